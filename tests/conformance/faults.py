"""The samples on which PyTorch 2.13 itself is wrong: each is excused by name, and printed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .cases import Case

# Of all samples compared, the share that may be excused.
LARGEST_EXCUSED_SHARE = 0.02


@dataclass(frozen=True)
class Fault:
    """One wrong answer of PyTorch's: what it is, where it shows, and why ours is right."""

    name: str
    operations: tuple[str, ...]
    stages: frozenset[str]
    applies: Callable[[Case], bool]
    reason: str

    def excuses(self, case: Case) -> bool:
        """Whether everything that disagrees in `case` is this fault."""
        return case.name in self.operations and case.stages <= self.stages and self.applies(case)


def _ours_are_as_near(case: Case) -> bool:
    """Whether nothing but numbers differs, and by no more than PyTorch's own error against float64."""
    return all(reason.as_near for reason in case.reasons)


def _lacks_the_derivative_in_place(case: Case) -> bool:
    """Whether PyTorch refuses a derivative after a write that it has otherwise."""
    refused = "the derivative for 'inplace version of"
    return all(reason.as_near or refused in reason.text for reason in case.reasons)


def _only_lacks_the_graph(case: Case) -> bool:
    """Whether gradients differ in nothing but a requires_grad that PyTorch lacks."""
    return all(", True) where PyTorch has (" in reason.text for reason in case.reasons)


def _sorts_equal_elements(case: Case) -> bool:
    """Whether PyTorch was free to put equal elements in any order."""
    x = case.sample.input
    return case.sample.kwargs.get("stable") is not True and x.unique().numel() < x.numel()


def _only_numbers_differ(case: Case) -> bool:
    """Whether shapes, dtypes and the graph of the gradients agree."""
    return all(reason.text.endswith(" elements)") for reason in case.reasons)


def _only_pytorch_refuses(words: str) -> Callable[[Case], bool]:
    """Whether PyTorch stumbles with these words, and nothing else differs but rounding."""
    refused = f"raises nothing where PyTorch raises RuntimeError: {words}"
    return lambda case: all(reason.as_near or refused in reason.text for reason in case.reasons)


FAULTS: tuple[Fault, ...] = (
    Fault(
        "rounding between steps",
        (
            "histogram",
            "tile", "unfold", "unfold_copy", "addr", "addbmm", "addmv", "linalg.multi_dot", "cross", "linalg.cross",
            "matrix_exp",
            "__rpow__", "pow", "div.no_rounding_mode", "true_divide", "erf", "rsqrt", "tanh", "addmm", "baddbmm",
            "softmax", "log_softmax", "nn.functional.cross_entropy", "nn.functional.nll_loss", "nn.functional.gelu",
            "nn.functional.linear", "index_reduce.mean", "index_reduce.prod", "scatter_reduce.prod",
            "_unsafe_masked_index", "_unsafe_masked_index_put_accumulate", "nn.functional.celu",
            "nn.functional.elu", "nn.functional.glu", "nn.functional.hardswish", "nn.functional.logsigmoid",
            "nn.functional.prelu", "nn.functional.selu", "nn.functional.silu", "nn.functional.softmin",
            "nn.functional.softsign", "nn.functional.mse_loss", "nn.functional.smooth_l1_loss",
            "nn.functional.huber_loss", "nn.functional.binary_cross_entropy",
            "nn.functional.binary_cross_entropy_with_logits", "nn.functional.kl_div",
            "nn.functional.poisson_nll_loss", "nn.functional.gaussian_nll_loss",
            "nn.functional.hinge_embedding_loss", "nn.functional.cosine_embedding_loss",
            "nn.functional.soft_margin_loss", "nn.functional.multilabel_soft_margin_loss",
            "nn.functional.multilabel_margin_loss", "nn.functional.cosine_similarity", "dist",
            "nn.functional.pairwise_distance", "nn.functional.normalize", "nn.functional.triplet_margin_loss",
            "prod", "cumprod", "cummax", "cummin", "var",
            "var.unbiased", "std", "std.unbiased", "var_mean", "var_mean.unbiased", "std_mean",
            "std_mean.unbiased", "logsumexp", "logcumsumexp", "linalg.vector_norm", "norm", "norm.fro",
            "linalg.norm", "linalg.norm.subgradients_at_zero", "linalg.matrix_norm", "cov", "corrcoef",
            "gradient", "renorm",
            "erfinv", "lgamma", "digamma", "polygamma.polygamma_n_0", "polygamma.polygamma_n_1",
            "polygamma.polygamma_n_2", "polygamma.polygamma_n_3", "polygamma.polygamma_n_4",
            "special.polygamma.special_polygamma_n_0", "special.i0e", "special.ndtr", "special.log_ndtr",
            "acos", "asin", "atan2", "logaddexp", "logaddexp2", "xlogy", "special.xlog1py", "sinc",
            "hypot", "fmod", "copysign", "polar", "ldexp", "lerp", "addcdiv", "logit",
            "nn.functional.layer_norm", "native_layer_norm", "nn.functional.group_norm",
            "native_group_norm", "nn.functional.batch_norm", "native_batch_norm", "nn.functional.instance_norm",
            "nn.functional.rms_norm", "nn.functional.conv1d", "nn.functional.conv2d", "nn.functional.conv3d",
            "linalg.cond", "linalg.pinv", "linalg.pinv.hermitian", "linalg.pinv.singular",
            "pinverse", "linalg.eigvalsh",
            "nn.functional.conv_transpose1d", "nn.functional.conv_transpose2d", "nn.functional.conv_transpose3d",
            "nn.functional.grid_sample", "grid_sampler_2d", "nn.functional.avg_pool1d", "nn.functional.avg_pool2d",
            "nn.functional.adaptive_avg_pool1d", "nn.functional.adaptive_avg_pool2d",
            "nn.functional.adaptive_avg_pool3d", "nn.functional.max_pool2d", "nn.functional.max_pool3d",
        ),
        frozenset({"value", "gradient", "second", "inplace", "method"}),
        _ours_are_as_near,
        "bfloat16, and powers in float32, lose digits at each step of a gradient; the relative error of "
        "ours against PyTorch's own float64 result is at most twice that of PyTorch's",
    ),
    Fault(
        "no derivative in place",
        ("acosh", "asinh", "atanh"),
        frozenset({"inplace", "second"}),
        _lacks_the_derivative_in_place,
        "the in-place forms have no derivative, though nothing stands in its way; ours have the same as the functions",
    ),
    Fault(
        "second derivative of a normalisation without weight",
        ("native_layer_norm",),
        frozenset({"second", "gradient", "value"}),
        _only_pytorch_refuses("Expected a proper Tensor but got None"),
        "layer_norm with a bias and no weight cannot be differentiated twice: its formula multiplies by the weight",
    ),
    Fault(
        "second derivative of grid_sample among half types",
        ("nn.functional.grid_sample", "grid_sampler_2d"),
        frozenset({"second", "gradient", "value"}),
        _only_pytorch_refuses("scatter(): Expected self.dtype to be equal to src.dtype"),
        "the formula of the second derivative adds float32 to bfloat16, and stops; ours has one for every dtype",
    ),
    Fault(
        "gradient of what Cholesky's functions do not read",
        ("cholesky", "linalg.cholesky", "linalg.cholesky_ex", "cholesky_solve", "cholesky_inverse"),
        frozenset({"gradient", "second"}),
        _only_numbers_differ,
        "a gradient for the imaginary part of a factor's diagonal, which is always 0, changes the input's; and "
        "cholesky_solve and cholesky_inverse give one to the triangle that they do not read (tests/test_linalg.py)",
    ),
    Fault(
        "unreadable zero gradient",
        ("sgn",),
        frozenset({"gradient"}),
        _only_lacks_the_graph,
        "the gradient of a real sgn is a zero tensor without memory, which .tolist() and .numpy() refuse",
    ),
    Fault(
        "equal elements in any order",
        ("sort", "argsort", "msort"),
        frozenset({"value", "method", "gradient", "second"}),
        _sorts_equal_elements,
        "without stable=True the indices of equal elements are not told by their values; ours always keep "
        "their order, which tests/test_order.py holds them to",
    ),
    Fault(
        "gradient of what was overwritten",
        ("as_strided_scatter",),
        frozenset({"gradient", "second"}),
        _only_numbers_differ,
        "the input's elements that src replaces get its gradient, and the others none; it is the other way round, as "
        "differences show (tests/test_shapes.py)",
    ),
)  # fmt: skip


def excuse_for(case: Case, faults: tuple[Fault, ...] = FAULTS) -> Fault | None:
    """The fault that excuses a disagreeing case, if there is one."""
    return next((fault for fault in faults if fault.excuses(case)), None)
