"""What operations say of themselves: their derivatives in words, and docstrings that a reference can be made of."""

import re
from pathlib import Path

import tapeless
from tools import reference


def test_rows_print_the_derivative_that_they_compute():
    doc = tapeless.tanh.__doc__
    assert doc.endswith("Derivative: g * conj(1 - out * out).")
    assert tapeless.mul.__doc__.endswith("Derivative: for x, g * conj(y); for y, g * conj(x).")
    assert tapeless.eq.__doc__.endswith("No derivative.")


def test_comparisons_are_enclosed_where_python_would_group_otherwise():
    assert "where((x >= y) & (x <= z), g, 0)" in tapeless.clamp.__doc__


def test_the_derivative_in_words_gives_the_gradient():
    for name in ("exp", "log", "sin", "cos", "sqrt", "rsqrt", "sigmoid", "erf", "expm1", "log1p", "reciprocal"):
        words = getattr(tapeless, name).__doc__.rpartition("Derivative: ")[2].removesuffix(".")
        x = tapeless.tensor([0.3, 1.7], dtype=tapeless.float64, requires_grad=True)
        out = getattr(tapeless, name)(x)
        g = tapeless.tensor([2.0, -0.5], dtype=tapeless.float64)
        (found,) = tapeless.autograd.grad(out, x, g)
        with tapeless.no_grad():
            vocabulary = {**vars(tapeless), "conj": lambda v: v, "x": x, "g": g, "out": out}
            expected = eval(words, vocabulary)
        assert tapeless.allclose(found, expected, rtol=1e-12), name


def test_every_public_operation_says_what_it_is():
    text = reference.text()
    bare = [line for line in text.splitlines() if line.startswith("- ") and line.rstrip().endswith("–")]
    assert not bare
    assert text.count("\n- ") > 50 and text.count("\n| `") > 50


def test_the_reference_in_the_documentation_is_current():
    written = (Path(__file__).parent.parent / "docs" / "operations.md").read_text(encoding="utf-8")
    assert written == reference.text(), "docs/operations.md is not what the docstrings say: write `make reference`"


def test_every_operation_of_the_core_says_its_derivative():
    said = re.compile("derivative|differentiable|gradient", re.I)
    silent = [name for name, function in reference.structured().items() if not said.search(function.__doc__)]
    assert not silent
