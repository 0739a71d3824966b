"""How every test runs: warnings are errors, seeds are printed, exclusions give reasons."""

import os
import random
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from tests import settings

_left_out: list[tuple[str, str]] = []


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker and turn warnings into errors."""
    config.addinivalue_line("markers", "ours_differs(reason): the result is ours on purpose, not PyTorch's")
    config.addinivalue_line("filterwarnings", "error")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is ours on purpose when PyTorch itself is the subject."""
    if not settings.IS_PYTORCH:
        return
    kept, dropped = [], []
    for item in items:
        marker = item.get_closest_marker("ours_differs")
        (dropped if marker else kept).append(item)
        if marker:
            _left_out.append((item.nodeid, marker.args[0]))
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = kept


def pytest_report_header() -> str:
    """Name the module under test."""
    return f"module under test: {settings.SUBJECT}"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print every test that was left out, with its reason."""
    for nodeid, reason in _left_out:
        terminalreporter.write_line(f"left out for {settings.SUBJECT}: {nodeid}: {reason}")


@pytest.fixture
def seed() -> int:
    """The seed of a random test, printed; TAPELESS_TEST_SEED repeats one."""
    chosen = os.environ.get("TAPELESS_TEST_SEED")
    number = int(chosen) if chosen else random.SystemRandom().randrange(2**31)
    print(f"TAPELESS_TEST_SEED={number}")
    return number


@pytest.fixture(params=list(settings.DEFERRAL_SETTINGS))
def setting(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each of the three deferral settings in turn, active while the test runs."""
    with settings.deferral(request.param):
        yield request.param


@pytest.fixture
def quietly() -> Iterator[None]:
    """Ignore warnings in a test whose promise is something else."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
