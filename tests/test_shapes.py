"""Operations of shape: what samples do not show, as gradients of what is replaced, levels, views, messages."""

import numpy as np
import pytest

import tapeless
from tapeless import func


def numbers(*shape, seed=0, dtype=np.float64):
    return tapeless.tensor(np.random.default_rng(seed).standard_normal(shape).astype(dtype))


def slope(function, x, v, step=1e-6):
    """The change of a function of tensors at x in the direction v, by differences."""
    return (function(x + step * v) - function(x - step * v)) / (2 * step)


LINEAR = {
    "repeat": lambda x: x.repeat(2, 1, 3),
    "tile": lambda x: x.tile(2),
    "repeat_interleave": lambda x: x.repeat_interleave(2, 1),
    "flip": lambda x: x.flip(0, 1),
    "roll": lambda x: x.roll((1, 2), (0, 1)),
    "roll of all": lambda x: x.roll(4),
    "rot90": lambda x: x.rot90(1),
    "tril": lambda x: x.tril(1),
    "triu": lambda x: x.triu(),
    "diagonal": lambda x: x.diagonal(1),
    "diag_embed": lambda x: x.diag_embed(1, 0, 2),
    "unfold": lambda x: x.unfold(1, 3, 2),
    "overlapping unfold": lambda x: x.unfold(1, 3, 1),
    "diagonal_copy": lambda x: tapeless.diagonal_copy(x),
    "narrow_copy": lambda x: tapeless.narrow_copy(x, 1, 1, 2),
    "select_copy": lambda x: tapeless.select_copy(x, 0, 1),
    "expand_copy": lambda x: tapeless.expand_copy(x, (2, 3, 5)),
    "block_diag": lambda x: tapeless.block_diag(x, x[0]),
    "cat": lambda x: tapeless.cat([x, 2 * x], 1),
    "stack": lambda x: tapeless.stack([x, x.flip(0)], -1),
    "select_scatter": lambda x: tapeless.select_scatter(x, x[1] * 3, 0, 0),
    "slice_scatter": lambda x: tapeless.slice_scatter(x, x[:, :2], 1, 1, 5, 2),
    "diagonal_scatter": lambda x: tapeless.diagonal_scatter(x, x[0, :3]),
    "as_strided_scatter": lambda x: tapeless.as_strided_scatter(x, x[0, :2], (2,), (3,), 1),
    "trace": lambda x: x.trace(),
}


@pytest.mark.parametrize("name", LINEAR)
def test_gradients_are_what_differences_show_to_the_second_order(name):
    function, x, v = LINEAR[name], numbers(3, 5), numbers(3, 5, seed=1)
    x.requires_grad_()
    weights = numbers(*function(x).shape, seed=2)

    def loss(x):
        return (function(x) ** 3 * weights).sum()

    (g,) = tapeless.autograd.grad(loss(x), x, create_graph=True)
    along = (g * v).sum()
    assert np.isclose(along.item(), slope(loss, x.detach(), v).item(), rtol=1e-6, atol=1e-8)
    (second,) = tapeless.autograd.grad(along, x)
    direction = numbers(3, 5, seed=3)

    def first(at):
        at = at.clone().requires_grad_()
        return (tapeless.autograd.grad(loss(at), at)[0] * v).sum()

    expected = slope(first, x.detach(), direction).item()
    assert np.isclose((second * direction).sum().item(), expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", sorted(set(LINEAR) - {"as_strided_scatter", "block_diag"}))
def test_a_batch_is_its_examples_and_tangents_pass(name, recwarn):
    function, batch, v = LINEAR[name], numbers(4, 3, 5), numbers(3, 5, seed=1)
    each = tapeless.stack([function(x) for x in batch])
    np.testing.assert_array_equal(func.vmap(function)(batch).numpy(), each.numpy())
    out, tangent = func.jvp(function, (batch[0],), (v,))
    np.testing.assert_array_equal(out.numpy(), function(batch[0]).numpy())
    np.testing.assert_allclose(tangent.numpy(), function(v).numpy())


@pytest.mark.parametrize("name", ["flip", "roll", "tril", "diagonal", "unfold", "cat", "select_scatter", "diag_embed"])
def test_grad_follows_inside_and_outside_of_a_batch(name):
    function, batch = LINEAR[name], numbers(4, 3, 5)

    def loss(x):
        return (function(x) ** 2).sum()

    inside = func.vmap(func.grad(loss))(batch)
    outside = func.grad(lambda all: func.vmap(loss)(all).sum())(batch)
    np.testing.assert_allclose(inside.numpy(), outside.numpy())
    both = func.grad(lambda all: (func.vmap(func.grad(loss))(all) ** 2).sum())(batch)
    assert both.shape == batch.shape


def test_writes_through_diagonal_and_unfold_reach_the_base_and_its_gradient():
    x = numbers(3, 3).requires_grad_()
    y = x.clone()
    y.diagonal().mul_(2)
    y.unfold(1, 3, 1)[0].fill_(7)
    y.sum().backward()
    expected = np.ones((3, 3)) + np.eye(3)
    expected[0] = 0
    np.testing.assert_array_equal(x.grad.numpy(), expected)
    assert y.diagonal()._base is y and y.diagonal()._is_view()


def test_a_copy_of_a_view_is_no_view_and_shares_nothing():
    x = numbers(3, 3)
    copy = tapeless.diagonal_copy(x)
    x.zero_()
    assert not copy._is_view() and (copy != 0).all()
    pieces = [tapeless.empty(0), tapeless.empty(0)]
    assert tapeless.split_with_sizes_copy(numbers(3), (1, 2), out=pieces) is None
    assert [tuple(p.shape) for p in pieces] == [(1,), (2,)]


def test_what_pytorch_does_not_derive_is_refused():
    x = numbers(4, 2).requires_grad_()
    for y in (tapeless.detach_copy(x), tapeless._chunk_cat([x], 0, 3)):
        with pytest.raises(RuntimeError, match="is not implemented: no gradient passes it; write"):
            y.sum().backward()


def test_flip_keeps_the_order_of_dimensions_and_reads_pending_values():
    x = numbers(3, 4)
    assert x.t().flip(0).stride() == x.t().stride()
    np.testing.assert_allclose((x.exp() * 2).flip(1).numpy(), np.exp(x.numpy())[:, ::-1] * 2, 1e-14)
    x = numbers(400, 700, dtype=np.float32)
    np.testing.assert_array_equal(x.flip(0, 1).numpy(), x.numpy()[::-1, ::-1])
    np.testing.assert_array_equal(x.roll((-5, 1000), (0, 1)).numpy(), np.roll(x.numpy(), (-5, 1000), (0, 1)))
    np.testing.assert_array_equal(x.t().tril(-3).numpy(), np.tril(x.numpy().T, -3))


def test_triangles_in_place_of_views_with_gaps():
    x = numbers(4, 6)
    expected = x.numpy().copy()
    expected[:, ::2] = np.triu(expected[:, ::2])
    x[:, ::2].triu_()
    np.testing.assert_array_equal(x.numpy(), expected)
    np.testing.assert_array_equal(tapeless.tril_indices(3, 5, 1).numpy(), np.array(np.tril_indices(3, 1, 5)))
    np.testing.assert_array_equal(tapeless.triu_indices(5, 3, -1).numpy(), np.array(np.triu_indices(5, -1, 3)))


def test_tall_matrices_get_the_wrapped_diagonals():
    for shape in ((7, 3), (4, 3), (5, 3), (3, 5), (9, 2)):
        expected = np.zeros(shape)
        np.fill_diagonal(expected, 1, wrap=True)
        np.testing.assert_array_equal(tapeless.zeros(shape).fill_diagonal_(1, wrap=True).numpy(), expected)


def test_meshgrid_and_combinations():
    x, y = numbers(3), numbers(4, seed=1)
    for indexing in ("ij", "xy"):
        for ours, theirs in zip(
            tapeless.meshgrid(x, y, indexing=indexing),
            np.meshgrid(x.numpy(), y.numpy(), indexing=indexing),
            strict=True,
        ):
            np.testing.assert_array_equal(ours.numpy(), theirs)
    assert tapeless.combinations(tapeless.arange(4), 3).tolist() == [[0, 1, 2], [0, 1, 3], [0, 2, 3], [1, 2, 3]]
    assert tapeless.combinations(tapeless.arange(2), with_replacement=True).tolist() == [[0, 0], [0, 1], [1, 1]]


def test_counts_may_be_given_as_a_tensor_with_the_size_of_the_result():
    x = numbers(3, 2)
    counts = tapeless.tensor([0, 2, 1])
    expected = np.repeat(x.numpy(), [0, 2, 1], axis=0)
    np.testing.assert_array_equal(x.repeat_interleave(counts, 0, output_size=3).numpy(), expected)
    assert tapeless.repeat_interleave(counts).tolist() == [1, 1, 2]


@pytest.mark.parametrize(
    ("kind", "words", "call"),
    [
        (RuntimeError, "can not be smaller than number of dimensions", lambda x: x.repeat(2)),
        (RuntimeError, "dim 0 appears multiple times", lambda x: x.flip(0, 0)),
        (RuntimeError, "`shifts` required", lambda x: x.roll(())),
        (RuntimeError, "diagonal dimensions cannot be identical", lambda x: x.diagonal(0, 1, 1)),
        (RuntimeError, "repeats can not be negative", lambda x: x.repeat_interleave(tapeless.tensor([1, -1]), 0)),
        (NotImplementedError, "repeat_interleave_cpu", lambda x: x.repeat_interleave(tapeless.ones(2), 0)),
        (RuntimeError, "maximum size for tensor at dimension 0 is 2", lambda x: x.unfold(0, 3, 1)),
        (RuntimeError, "expected src to have a size equal", lambda x: tapeless.select_scatter(x, x, 0, 0)),
        (RuntimeError, "dimensions must larger than 1", lambda x: x[0].clone().fill_diagonal_(1)),
        (NotImplementedError, "tril_indices", lambda x: tapeless.tril_indices(2, 2, dtype=tapeless.bool)),
        (IndexError, "Dimension out of range", lambda x: x.flip(2)),
    ],
)
def test_bad_calls_have_pytorchs_class_and_words(kind, words, call):
    with pytest.raises(kind, match=words):
        call(numbers(2, 3))


def test_gradients_of_pieces_are_joined_with_zeros_for_those_that_nobody_used():
    for pieces in (lambda x: x.unbind(0), lambda x: x.split([1, 2, 1]), lambda x: x.chunk(4)):
        x = tapeless.arange(8.0).view(4, 2).requires_grad_()
        first, *_, last = pieces(x)
        (gradient,) = tapeless.autograd.grad((first * 2).sum() + (last * last).sum(), x, create_graph=True)
        assert gradient.tolist() == [[2.0, 2.0], [0.0, 0.0], [0.0, 0.0], [12.0, 14.0]]
        (second,) = tapeless.autograd.grad(gradient.sum(), x)
        assert second.tolist() == [[0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [2.0, 2.0]]


def test_pieces_without_memory_have_gradients_without_memory():
    x = tapeless.zeros(3, 4, device="meta", requires_grad=True)
    first, _, last = x.unbind(0)
    (first * last).sum().backward()
    assert x.grad.device.type == "meta" and x.grad.shape == (3, 4)


def test_splits_take_sections_and_indices_by_their_own_names():
    x = tapeless.arange(12).reshape(2, 6)
    assert [piece.tolist() for piece in tapeless.tensor_split(x[0], indices=(-1,))] == [[0, 1, 2, 3, 4], [5]]
    assert [piece.shape[1] for piece in x.tensor_split(sections=4, dim=1)] == [2, 2, 1, 1]
    assert [piece.shape[1] for piece in x.tensor_split(tensor_indices_or_sections=tapeless.tensor([1, 2]), dim=1)] == [
        1,
        1,
        4,
    ]
    assert [piece.shape for piece in tapeless.hsplit(x, sections=3)] == [(2, 2)] * 3
    assert [piece.tolist() for piece in x.vsplit(indices=[1])] == [[list(range(6))], [list(range(6, 12))]]
    assert [piece.shape for piece in x[None].dsplit(indices=[4])] == [(1, 2, 4), (1, 2, 2)]
    with pytest.raises(TypeError, match="invalid combination of arguments"):
        tapeless.tensor_split(x, 2, sections=3)
    with pytest.raises(TypeError, match="invalid combination of arguments"):
        tapeless.hsplit(x)
