"""A name that PyTorch has and Tapeless lacks: the error says so, why, and what to use instead."""

import importlib
import importlib.util
import sys

import pytest

import tapeless as torch
from tapeless import _missing


@pytest.mark.parametrize(
    ("ask", "text"),
    [
        (lambda: torch.sparse_coo_tensor, "no attribute 'sparse_coo_tensor': sparse layouts are out of scope"),
        (lambda: torch.sparse, "sparse layouts are out of scope; instead: a dense tensor"),
        (lambda: torch.quantize_per_tensor, "quantization is out of scope"),
        (lambda: torch.ao.pruning, "quantization is out of scope"),
        (lambda: torch.nested, "nested and masked layouts are out of scope"),
        (lambda: torch.jit.trace_async, "TorchScript is out of scope"),
        (
            lambda: torch.ones(1).to_sparse,
            "'Tensor' object has no attribute 'to_sparse': sparse layouts are out of scope",
        ),
        (lambda: torch.Tensor.coalesce, "sparse layouts are out of scope"),
        (
            lambda: torch.utils.benchmark.Fuzzer,
            "PyTorch 2.13 has it, Tapeless has not yet",
        ),
    ],
)
def test_an_attribute_of_pytorchs_is_explained(ask, text):
    with pytest.raises(AttributeError, match=text):
        ask()


@pytest.mark.parametrize("owner", [torch, torch.nn.functional, torch.autograd, torch.linalg, torch.utils.hooks])
def test_another_name_gets_pythons_own_words(owner):
    with pytest.raises(AttributeError) as info:
        owner.no_such_name
    assert str(info.value) == f"module '{owner.__name__}' has no attribute 'no_such_name'"
    assert info.value.name == "no_such_name" and not hasattr(owner, "no_such_name")


def test_an_import_is_explained():
    with pytest.raises(ImportError, match="cannot import name 'sparse_coo_tensor' from 'tapeless': sparse layouts"):
        from tapeless import sparse_coo_tensor  # noqa: F401
    with pytest.raises(ImportError, match="cannot import name 'no_such'"):
        from tapeless import no_such  # noqa: F401


def test_a_module_that_is_asked_for_is_no_error():
    code = "import sys, tapeless as torch\nprint(torch.utils._pytree.__name__, torch.__config__.show())"
    namespace: dict = {}
    exec(code, namespace)
    assert "tapeless.utils._pytree" in sys.modules


def test_under_the_name_torch_it_says_torch():
    torch.install_as_torch()
    try:
        with pytest.raises(
            ModuleNotFoundError,
            match="No module named 'torch.sparse': sparse layouts are out of scope; instead: a dense tensor",
        ) as info:
            importlib.import_module("torch.sparse")
        assert info.value.name == "torch.sparse"
        with pytest.raises(ModuleNotFoundError, match="No module named 'torch.no_such'$"):
            importlib.import_module("torch.no_such")
        with pytest.raises(AttributeError, match="module 'torch' has no attribute 'sparse'"):
            torch.sparse
        assert importlib.util.find_spec("torch.sparse") is None
    finally:
        torch.uninstall_as_torch()


def test_the_list_holds_names_by_module():
    names = _missing.pytorchs()
    assert "nn" in names and "" in names and all(names.values())
