"""torch.profiler and utils.benchmark: named parts, steps of a schedule, and statements are timed."""

import json

import pytest

import tapeless as torch
from tapeless.profiler import ProfilerAction, ProfilerActivity, profile, record_function, schedule
from tapeless.utils import benchmark


def test_blocks_are_timed_by_name():
    with profile(activities=[ProfilerActivity.CPU]) as prof:
        for _ in range(3):
            with record_function("outer"), record_function("inner"):
                torch.ones(10).sum()
    averages = {event.key: event for event in prof.key_averages()}
    assert averages["outer"].count == averages["inner"].count == 3
    assert averages["outer"].cpu_time_total >= averages["inner"].cpu_time_total > 0
    rest = averages["outer"].cpu_time_total - averages["inner"].cpu_time_total
    assert averages["outer"].self_cpu_time_total == pytest.approx(rest)
    table = prof.key_averages().table(sort_by="cpu_time_total", row_limit=1)
    assert "outer" in table and "inner" not in table and "# of Calls" in table


def test_a_function_can_be_a_block():
    @record_function("mine")
    def mine():
        return 1

    with torch.autograd.profiler.profile() as prof:
        assert mine() == 1
    assert [event.name for event in prof.function_events] == ["mine"]


def test_a_schedule_picks_steps():
    actions = schedule(wait=1, warmup=1, active=2, repeat=1, skip_first=1)
    none, warmup, record, save = ProfilerAction
    assert [actions(step) for step in range(7)] == [none, none, warmup, record, save, none, none]
    seen = []
    with profile(schedule=actions, on_trace_ready=lambda p: seen.append([e.name for e in p.events()])) as prof:
        for _ in range(7):
            with record_function("work"):
                pass
            prof.step()
    assert seen == [["work", "ProfilerStep#3", "work", "ProfilerStep#4"]]


def test_a_trace_is_written(tmp_path):
    with profile(on_trace_ready=torch.profiler.tensorboard_trace_handler(str(tmp_path))):
        with record_function("work"):
            pass
    (path,) = tmp_path.iterdir()
    (event,) = json.loads(path.read_text())["traceEvents"]
    assert path.name.endswith(".pt.trace.json") and event["name"] == "work" and event["ph"] == "X"


def test_a_timer_measures_a_statement():
    timer = benchmark.Timer("x + 1", setup="x = torch.ones(3)", label="add", sub_label="three", description="ours")
    once = timer.timeit(10)
    assert once.number_per_run == 10 and len(once.times) == 1 and once.median == once.mean > 0 and once.iqr == 0
    several = timer.blocked_autorange(min_run_time=0.01)
    assert len(several.times) >= 2 and "add" in repr(several) and "runs per measurement" in repr(several)
    assert "three" in str(benchmark.Compare([once, several])) and "ours" in str(benchmark.Compare([once]))
