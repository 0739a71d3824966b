"""The `_foreach_*` functions do to each tensor of a list what the operation of their name does to one."""

import pytest

from tests.subject import assert_close, assert_same, leaf, torch


def lists():
    return [torch.tensor([1.0, 4.0]), torch.tensor([[9.0]])], [torch.tensor([2.0, 2.0]), torch.tensor([[3.0]])]


@pytest.mark.parametrize("name", ["add", "sub", "mul", "div", "maximum", "minimum"])
@pytest.mark.parametrize("kind", ["list", "number", "numbers"])
def test_binary_forms(name, kind):
    for in_place in (False, True):
        x, y = lists()
        other = {"list": y, "number": 3.0, "numbers": [3.0, 2.0]}[kind]
        each = other if isinstance(other, list) else [other, other]
        expected = [getattr(torch, name)(a, torch.as_tensor(b)) for a, b in zip(x, each, strict=True)]
        result = getattr(torch, f"_foreach_{name}" + "_" * in_place)(x, other)
        assert_same(x if in_place else list(result), expected)


@pytest.mark.parametrize("name", ["sqrt", "neg", "reciprocal", "exp", "abs"])
def test_unary_forms(name):
    x, _ = lists()
    expected = [getattr(torch, name)(a) for a in x]
    assert_same(list(getattr(torch, f"_foreach_{name}")(x)), expected)
    getattr(torch, f"_foreach_{name}_")(x)
    assert_same(x, expected)


def test_ternary_forms():
    x, y = lists()
    torch._foreach_addcmul_(x, y, y, value=0.5)
    assert_close(x, [[3.0, 6.0], [[13.5]]])
    torch._foreach_addcdiv_(x, y, y, [1.0, 2.0])
    assert_close(x, [[4.0, 7.0], [[15.5]]])
    torch._foreach_lerp_(x, y, 0.5)
    assert_close(x, [[3.0, 4.5], [[9.25]]])


def test_copies_norms_and_scaled_sums():
    x, y = lists()
    assert_close(list(torch._foreach_norm(x)), [17**0.5, 9.0])
    assert_close(list(torch._foreach_add(x, y, alpha=2)), [[5.0, 8.0], [[15.0]]])
    torch._foreach_copy_(x, y)
    assert_same(x, y)
    torch._foreach_zero_(x)
    assert_same(x, [[0.0, 0.0], [[0.0]]])


def test_gradients_flow():
    x = leaf([1.0, 2.0])
    (product,) = torch._foreach_mul([x], [torch.tensor([3.0, 4.0])])
    product.sum().backward()
    assert_same(x.grad, [3.0, 4.0])


def test_lists_of_other_lengths_are_refused():
    x, y = lists()
    with pytest.raises(RuntimeError, match="Tensor lists must have the same number of tensors, got 2 and 1"):
        torch._foreach_add_(x, y[:1])
    with pytest.raises(RuntimeError, match="Tensor list must have at least one tensor"):
        torch._foreach_mul_([], 2.0)
