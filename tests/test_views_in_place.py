"""Operations that make a tensor its own view, and those that fill: values, gradients, names, and what is refused."""

import pytest

import tapeless as torch


def leaf(*sizes: int) -> torch.Tensor:
    """1, 2, 3 … in a shape, with requires_grad."""
    return torch.arange(1.0, 1.0 + torch.empty(sizes).numel()).reshape(sizes).requires_grad_()


CASES = {
    "transpose_": ((0, 1), (2, 3), (3, 2), "TransposeBackward1"),
    "t_": ((), (2, 3), (3, 2), "TBackward1"),
    "unsqueeze_": ((0,), (2, 3), (1, 2, 3), "UnsqueezeBackward1"),
    "squeeze_": ((), (1, 3, 1), (3,), "SqueezeBackward3"),
    "as_strided_": (((3,), (2,)), (2, 3), (3,), "AsStridedBackward1"),
}


@pytest.mark.parametrize("name", CASES)
def test_geometry_in_place_is_the_view_with_a_node_of_its_own(name: str):
    arguments, before, after, node = CASES[name]
    x = leaf(*before)
    expected = getattr(x.detach(), name.removesuffix("_"))(*arguments)
    y = x * 1
    assert getattr(y, name)(*arguments) is y
    assert y.shape == after and y.stride() == expected.stride() and y.grad_fn.name() == node
    assert y.tolist() == expected.tolist() and y._version == 1
    weight = torch.arange(1.0, 1.0 + y.numel()).reshape(y.shape)
    (y * weight).sum().backward()
    wanted = torch.zeros(before)
    getattr(wanted, name.removesuffix("_"))(*arguments).copy_(weight)
    assert x.grad.tolist() == wanted.tolist()


def test_squeeze_names_its_dimensions_apart():
    for dim, node in ((0, "SqueezeBackward4"), ((0,), "SqueezeBackward5"), ([0, 2], "SqueezeBackward5")):
        assert (leaf(1, 3, 1) * 1).squeeze_(dim).grad_fn.name() == node
    for dim, node in ((0, "SqueezeBackward1"), ((0,), "SqueezeBackward2")):
        assert leaf(1, 3, 1).squeeze(dim).grad_fn.name() == node


def test_a_view_keeps_its_base_true_after_changing_its_geometry():
    x = leaf(2, 3)
    y = x * 2
    row = y[0]
    row.unsqueeze_(0)
    assert row.grad_fn.name() == "UnsqueezeBackward1" and y.grad_fn.name() == "MulBackward0"
    row.mul_(3)
    assert y.grad_fn.name() == "torch::autograd::CopySlices"
    assert torch.autograd.grad(y.sum(), x)[0].tolist() == [[6, 6, 6], [2, 2, 2]]


def test_geometry_in_place_is_refused_where_a_write_is():
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        leaf(2, 3).t_()
    piece, _ = (leaf(2, 3) * 1).unbind(0)
    with pytest.raises(RuntimeError, match="is a view and is being modified inplace"):
        piece.unsqueeze_(0)
    y = leaf(2, 3) * 2
    z = y * y
    y.t_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward()


def test_overlapping_as_strided_has_derivatives_of_every_order():
    x = leaf(4)
    y = x.as_strided((3, 2), (1, 1))
    (g,) = torch.autograd.grad((y**3).sum(), x, create_graph=True)
    assert g.tolist() == [3, 24, 54, 48]
    (gg,) = torch.autograd.grad(g.sum(), x)
    assert gg.tolist() == [6, 24, 36, 24]


def test_filling_with_a_tensor_gives_it_the_gradient():
    x, value = leaf(3), torch.tensor(2.0, requires_grad=True)
    mask = torch.tensor([True, False, True])
    y = x * 1
    y.fill_(value)
    assert torch.autograd.grad(y.sum(), (x, value))[1].item() == 3
    for filled in (x.masked_fill(mask, value), (x * 1).masked_fill_(mask, value)):
        gx, gv = torch.autograd.grad(filled.sum(), (x, value))
        assert filled.tolist() == [2, 2, 2] and gx.tolist() == [0, 1, 0] and gv.item() == 2
    with pytest.raises(RuntimeError, match="0-dimension"):
        y.fill_(torch.ones(1))
    with pytest.raises(RuntimeError, match="boolean masks"):
        x.masked_fill(mask.long(), 0.0)


def test_scatter_reduces_by_sum_or_product():
    x, index, src = torch.ones(3), torch.tensor([0, 0, 2]), torch.tensor([2.0, 3.0, 4.0])
    assert x.scatter(0, index, src, reduce="add").tolist() == [6, 1, 5]
    assert x.clone().scatter_(0, index, src, reduce="multiply").tolist() == [6, 1, 4]
    assert x.scatter(0, index, 5.0, reduce="add").tolist() == [11, 1, 6]
    with pytest.raises(RuntimeError, match="add or multiply"):
        x.scatter(0, index, src, reduce="max")
    with pytest.raises(RuntimeError, match="derivative"):
        leaf(3).scatter(0, index, src, reduce="add")


def test_out_keeps_the_rules_of_its_operation():
    x, index = torch.ones(3, 3), torch.tensor([0, 1])
    with pytest.raises(RuntimeError, match="single memory location"):
        torch.index_select(x, 0, index, out=x[:2])
    with pytest.raises(RuntimeError, match="Expected out tensor to have dtype"):
        torch.mm(x, x, out=torch.empty(3, 3, dtype=torch.float64))
    wide = torch.empty(0, dtype=torch.float64)
    assert torch.cat([x, x], out=wide) is wide and wide.shape == (6, 3)


def test_pieces_of_unsafe_split_count_as_copies():
    x = leaf(4)
    first, second = torch.unsafe_split(x * 1, 2)
    first.mul_(3)  # A piece of split would refuse.
    assert not first._is_view() and second.grad_fn.name() == "UnsafeSplitBackward0"
    assert torch.autograd.grad((first.sum() + second.sum()), x)[0].tolist() == [3, 3, 1, 1]
