# Images read at positions: grid_sample, affine_grid, and maxima over windows at random places.
"""grid_sample, affine_grid, fractional pools, and what the namespace itself has of nn.functional."""

import math

import pytest

from tests.derivatives import check_gradients, doubles
from tests.subject import assert_close, assert_same, torch

F = torch.nn.functional

MODES = [
    (mode, padding, corners)
    for mode in ("bilinear", "bicubic")
    for padding in ("zeros", "border", "reflection")
    for corners in (False, True)
]


def sample(x, grid, mode="bilinear", padding="zeros", corners=False):
    return F.grid_sample(x, grid, mode, padding, corners)


@pytest.mark.parametrize(("mode", "padding", "corners"), MODES)
def test_gradients_of_image_and_grid_in_both_orders(mode, padding, corners):
    x, grid = doubles(2, 2, 3, 4), doubles(2, 2, 3, 2, seed=1, low=-1.4, high=1.4)
    check_gradients(lambda x, grid: sample(x, grid, mode, padding, corners).sin(), x, grid, tolerance=1e-5)


@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
def test_gradients_of_volumes(padding):
    x, grid = doubles(1, 2, 3, 2, 3), doubles(1, 2, 1, 2, 3, seed=1, low=-1.4, high=1.4)
    check_gradients(lambda x, grid: sample(x, grid, padding=padding).sin(), x, grid, tolerance=1e-5)


def test_known_numbers():
    x = torch.arange(1.0, 5.0).reshape(1, 1, 2, 2)
    grid = torch.tensor([[[[0.0, 0.0], [-1.0, -1.0], [1.0, 0.0], [3.0, 0.0]]]])
    assert_same(sample(x, grid, corners=True), [[[[2.5, 1.0, 3.0, 0.0]]]])
    assert_same(sample(x, grid, corners=False), [[[[2.5, 0.25, 1.5, 0.0]]]])
    assert_same(sample(x, grid, padding="border"), [[[[2.5, 1.0, 3.0, 3.0]]]])
    assert_same(sample(x, grid, padding="reflection"), [[[[2.5, 1.0, 3.0, 2.0]]]])
    assert_same(sample(x, grid[..., 1:, :], mode="nearest", padding="border"), [[[[1.0, 2.0, 2.0]]]])


@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("corners", [False, True])
def test_the_grid_of_no_change_reads_every_element(mode, corners):
    x, theta = doubles(2, 3, 4, 5).detach(), torch.tensor([[[1.0, 0, 0], [0, 1, 0]]] * 2, dtype=torch.float64)
    assert_close(sample(x, F.affine_grid(theta, x.shape, corners), mode, corners=corners), x, atol=1e-9)


def test_nearest_gives_the_grid_no_slope():
    x, grid = doubles(1, 1, 3, 3), doubles(1, 2, 2, 2, seed=1)
    out = sample(x, grid, "nearest", "border")
    g, slope = torch.autograd.grad(out.sum(), [x, grid])
    assert g.sum().item() == 4 and not slope.any()


def test_infinities_outside_of_what_is_read_do_no_harm():
    x = torch.tensor([[[[math.inf, 1.0], [2.0, 3.0]]]])
    assert_same(sample(x, torch.tensor([[[[1.0, 1.0], [5.0, 5.0]]]]), corners=True), [[[[3.0, 0.0]]]])


def test_grids_of_affine_maps():
    theta = doubles(2, 2, 3)
    grid = F.affine_grid(theta, (2, 1, 2, 3), True)
    assert grid.shape == (2, 2, 3, 2)
    assert_close(grid[0, 0, 0], -theta[0, :, 0] - theta[0, :, 1] + theta[0, :, 2])
    assert_close(grid[1, 1, 2], theta[1].sum(1))
    assert type(grid.grad_fn).__name__ == "AffineGridGeneratorBackward0"
    check_gradients(lambda t: F.affine_grid(t, (2, 1, 2, 3), False).sin(), theta)
    check_gradients(lambda t: F.affine_grid(t, (1, 1, 2, 3, 2), False).sin(), doubles(1, 3, 4))


def test_sampling_inside_vmap():
    x, grid = doubles(3, 1, 2, 3, 3).detach(), doubles(3, 1, 2, 2, 2, seed=1).detach()
    found = torch.func.vmap(sample)(x, grid)
    assert_close(found, torch.stack([sample(x[i], grid[i]) for i in range(3)]))


X, G = torch.zeros(2, 3, 4, 4), torch.zeros(2, 5, 5, 2)
REFUSED = {
    "expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: 'cubic'": lambda: sample(X, G, "cubic"),
    "expected padding_mode to be 'zeros', 'border', or 'reflection', but got: 'wrap'": (
        lambda: sample(X, G, padding="wrap")
    ),
    "expected grid and input to have same batch size": lambda: sample(X, G[:1]),
    "expected grid to have size 2 in last dimension": lambda: sample(X, G[..., :1]),
    "expected input to have non-empty spatial dimensions": lambda: sample(X[:, :, :0], G),
    "expected scalar type Float but found Double": lambda: sample(X, G.double()),
    "bicubic interpolation only supports 4D input": (
        lambda: sample(torch.zeros(1, 1, 2, 2, 2), torch.zeros(1, 2, 2, 2, 3), "bicubic")
    ),
    "Expected a batch of 2D affine matrices of shape Nx2x3 for size": (
        lambda: F.affine_grid(torch.zeros(2, 3), (2, 3, 4, 4), False)
    ),
    "affine_grid only supports 4D and 5D sizes": lambda: F.affine_grid(torch.zeros(2, 2, 3), (2, 3, 4), False),
}


@pytest.mark.parametrize("words", REFUSED)
def test_refusals_have_the_known_words(words):
    with pytest.raises((RuntimeError, ValueError, NotImplementedError), match=words):
        REFUSED[words]()


def test_the_corners_have_to_be_told():
    with pytest.warns(UserWarning, match="align_corners=False since 1.3.0"):
        F.grid_sample(X, G)


def test_fractional_pools_take_the_largest_of_each_window():
    x = torch.arange(36.0).reshape(1, 1, 6, 6)
    samples = torch.tensor([[[0.3, 0.8]]])
    out, places = F.fractional_max_pool2d(x, 2, output_size=3, return_indices=True, _random_samples=samples)
    assert_same(out, places.double().float())
    assert_same(out, [[[[7.0, 9.0, 11.0], [19.0, 21.0, 23.0], [31.0, 33.0, 35.0]]]])
    assert F.fractional_max_pool2d(x, 2, output_ratio=(0.5, 0.7)).shape == (1, 1, 3, 4)
    assert F.fractional_max_pool3d(torch.zeros(3, 5, 5, 5), 2, output_size=(2, 3, 4)).shape == (3, 2, 3, 4)
    samples = torch.full((2, 2, 3), 0.4, dtype=torch.float64)
    check_gradients(
        lambda x: F.fractional_max_pool3d(x, 2, output_size=2, _random_samples=samples).sin(), doubles(2, 2, 3, 4, 3)
    )


def test_fractional_pools_draw_as_torch_does():
    torch.manual_seed(0)
    _, places = F.fractional_max_pool2d(torch.arange(100.0).reshape(1, 1, 10, 10), 2, 4, return_indices=True)
    assert_same(places, PLACES)


PLACES = [[[[11, 13, 16, 19], [31, 33, 36, 39], [61, 63, 66, 69], [91, 93, 96, 99]]]]


def test_fractional_pools_refuse_windows_that_do_not_fit():
    with pytest.raises(RuntimeError, match="pool height 2 too large relative to input height 4"):
        F.fractional_max_pool2d(X, 2, output_size=4)
    with pytest.raises(ValueError, match="requires specifying either an output_size or an output_ratio"):
        F.fractional_max_pool2d(X, 2)


def test_the_namespace_has_its_forms():
    x = doubles(2, 3, 8).detach()
    assert_same(torch.max_pool1d(x, 2), F.max_pool1d(x, 2))
    assert_same(torch.avg_pool1d(x, 2), F.avg_pool1d(x, 2))
    values, places = torch.adaptive_max_pool1d(x, 3)
    assert_same(values, x.gather(2, places))
    assert_close(torch.norm_except_dim(x, 2, 0), x.pow(2).sum((1, 2), keepdim=True).sqrt())
    assert_close(torch.frobenius_norm(x, [1, 2]), x.pow(2).sum((1, 2)).sqrt())
    weight, index = doubles(5, 2).detach(), torch.tensor([1, 2, 4, 1])
    out, bag, sizes, _ = torch.embedding_bag(weight, index, torch.tensor([0, 1]), mode=1)
    assert_close(out, torch.stack([weight[1], weight[[2, 4, 1]].mean(0)]))
    assert_same(bag, [0, 1, 1, 1])
    assert_same(sizes, [1, 3])
    out, _, _, which = torch.embedding_bag(weight, index, torch.tensor([0, 1]), mode=2)
    assert_same(out, weight.gather(0, which))


def test_sampling_and_its_gradients_inside_vmap_without_a_loop():
    x, grid = doubles(3, 2, 2, 3, 3).detach(), doubles(2, 2, 2, 2, seed=1, low=-1.4, high=1.4).detach()
    slopes = torch.func.grad(lambda x, grid: sample(x, grid).sin().sum(), argnums=(0, 1))
    found = torch.func.vmap(slopes, (0, None))(x, grid)
    for k in range(2):
        assert_close(found[k], torch.stack([slopes(x[i], grid)[k] for i in range(3)]))


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_tangents_of_image_and_grid(mode):
    x, grid = doubles(1, 2, 3, 4).detach(), doubles(1, 2, 2, 2, seed=1).detach()
    dx, dgrid, step = doubles(1, 2, 3, 4, seed=2).detach(), doubles(1, 2, 2, 2, seed=3).detach(), 1e-6
    _, found = torch.func.jvp(lambda x, grid: sample(x, grid, mode), (x, grid), (dx, dgrid))
    ahead, behind = (sample(x + s * dx, grid + s * dgrid, mode) for s in (step, -step))
    assert_close(found, (ahead - behind) / (2 * step), atol=1e-6)


def test_a_place_that_is_no_number_outside_of_the_image_gives_nan_and_no_gradient_to_the_image():
    x = torch.ones(1, 1, 2, 2, requires_grad=True)
    out = sample(x, torch.full((1, 1, 1, 2), math.nan))
    (g,) = torch.autograd.grad(out.sum(), x)
    assert out.isnan().all() and not g.any()


def test_many_points_in_several_blocks_are_read_as_few_are():
    x, grid = doubles(2, 3, 9, 8).detach(), doubles(2, 20, 33, 2, seed=1, low=-1.3, high=1.3).detach()
    for mode in ("bilinear", "nearest", "bicubic"):
        rows = [sample(x, grid[:, i : i + 1], mode) for i in range(20)]
        assert_close(sample(x, grid, mode), torch.cat(rows, 2))
