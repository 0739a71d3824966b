# Text of a tensor as PyTorch prints it, built from one small nested list of Python numbers.
"""How a tensor prints: `tensor_repr` and the options that `set_printoptions` changes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

_DEFAULTS: dict[str, Any] = {
    "precision": 4,
    "threshold": 1000,
    "edgeitems": 3,
    "linewidth": 80,
    "sci_mode": None,
}
_PROFILES: dict[str, dict[str, Any]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}
options: dict[str, Any] = dict(_DEFAULTS)

# A cell turns one number into text of (at least) the width that its column shares.
Cell = Callable[[Any], str]


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors print; a `profile` ("default", "short", "full") comes first, then the rest.

    `sci_mode=None` (also when it is not given) lets every tensor choose scientific notation itself.
    """
    if profile is not None:
        options.update(_PROFILES.get(profile, {}))
    given = {
        "precision": precision,
        "threshold": threshold,
        "edgeitems": edgeitems,
        "linewidth": linewidth,
    }
    options.update({name: value for name, value in given.items() if value is not None})
    options["sci_mode"] = sci_mode


def tensor_repr(
    tensor: Any,
    grad_fn_name: str | None = None,
    *,
    default_dtype: str = "float32",
    prefix: str = "tensor(",
    tangent: str | None = None,
) -> str:
    """The text of `tensor`.

    `grad_fn_name` is the node's name ("MulBackward0", "Invalid") or None for a leaf;
    `default_dtype` is the name of the current default ("float32"), which prints no suffix.
    """
    dtype = str(tensor.dtype)
    dtype_name = dtype.rpartition(".")[2]
    shape = tuple(tensor.shape)
    suffixes: list[str] = []
    device = str(tensor.device)
    if device != "cpu":
        suffixes.append(f"device='{device}'")
    has_bytes = not device.startswith("meta")
    empty = 0 in shape
    if (empty and len(shape) != 1) or not has_bytes:
        suffixes.append(f"size={shape}")
    if dtype_name not in _silent_dtypes(default_dtype, empty or not has_bytes):
        suffixes.append(f"dtype={dtype}")
    if not has_bytes:
        body = "..."
    elif empty:
        body = "[]"
    else:
        body = _numbers(tensor, shape, dtype_name, len(prefix))
    if grad_fn_name is not None:
        suffixes.append(f"grad_fn=<{grad_fn_name.rpartition('::')[2]}>")
    elif tensor.requires_grad:
        suffixes.append("requires_grad=True")
    if tangent is not None:
        suffixes.append(f"tangent={tangent}")
    return _join(prefix + body, suffixes, len(prefix))


def _silent_dtypes(default_dtype: str, no_numbers: bool) -> tuple[str, ...]:
    """The dtypes that a reader infers from the numbers, so that they need no suffix."""
    if no_numbers:
        return (default_dtype,)
    of_complex = "complex128" if default_dtype == "float64" else "complex64"
    return (default_dtype, of_complex, "int64", "bool")


def _join(text: str, suffixes: Sequence[str], indent: int) -> str:
    """Appends the suffixes, each on a new line when the last one would become too long."""
    used = len(text) - text.rfind("\n") + 1
    parts = [text]
    for suffix in suffixes:
        if used + len(suffix) + 2 > options["linewidth"]:
            parts.append(",\n" + " " * indent + suffix)
            used = indent + len(suffix)
        else:
            parts.append(", " + suffix)
            used += len(suffix) + 2
    return "".join(parts) + ")"


def _numbers(tensor: Any, shape: tuple[int, ...], dtype_name: str, indent: int) -> str:
    edge = options["edgeitems"]
    summarize = math.prod(shape) > options["threshold"]
    values = (_edges(tensor, shape, edge) if summarize else tensor).tolist()
    flat = list(_flatten(values, len(shape)))
    if dtype_name.startswith("complex"):
        cell, width = _complex_cell(flat)
    elif "float" in dtype_name:
        cell, width = _float_cell(flat)
    else:
        cell, width = _plain_cell(flat)
    if not shape:
        return cell(values)
    return _nested(values, shape, edge if summarize else None, cell, width, indent)


def _edges(tensor: Any, shape: tuple[int, ...], edge: int) -> Any:
    """The corners of a large tensor that are printed: at most 2 * edge entries per dimension."""
    # Bytes are only read here; a gather of the edges alone keeps huge tensors cheap to print.
    corner = tensor.detach()
    for dim, size in enumerate(shape):
        if size > 2 * edge:
            first, last = corner.narrow(dim, 0, edge), corner.narrow(dim, size - edge, edge)
            corner = _cat(first, last, dim)
    return corner


def _cat(first: Any, last: Any, dim: int) -> Any:
    import tapeless

    return tapeless.cat([first, last], dim)


def _flatten(values: Any, depth: int) -> Iterator[Any]:
    if depth == 0:
        yield values
        return
    level = values
    for _ in range(depth - 1):
        level = [entry for inner in level for entry in inner]
    yield from level


def _plain_cell(values: Sequence[Any]) -> tuple[Cell, int]:
    """Integers and truth values: their text, right-aligned."""
    width = max((len(str(value)) for value in values), default=1)
    return (lambda value: str(value).rjust(width)), width


def _float_cell(values: Sequence[float]) -> tuple[Cell, int]:
    """One notation for all: whole numbers with a dot, fixed point, or powers of ten."""
    counted = [value for value in values if value != 0 and math.isfinite(value)]
    whole = all(value.is_integer() for value in counted)
    digits = options["precision"]
    if _powers_of_ten(counted, whole):
        spec, dot = f".{digits}e", False
    else:
        spec, dot = (".0f", True) if whole else (f".{digits}f", False)
    # Zeros and non-finite values take part in no width: PyTorch pads by the ordinary numbers alone.
    width = max((len(format(value, spec)) + dot for value in counted), default=1)

    def cell(value: float) -> str:
        text = format(value, spec)
        if dot and math.isfinite(value):
            text += "."
        return text.rjust(width)

    return cell, width


def _powers_of_ten(counted: Sequence[float], whole: bool) -> bool:
    if not counted:
        return False
    if options["sci_mode"] is not None:
        return bool(options["sci_mode"])
    sizes = [abs(value) for value in counted]
    largest, smallest = max(sizes), min(sizes)
    spread = largest / smallest > 1000.0
    return spread or largest > 1.0e8 or (not whole and smallest < 1.0e-4)


def _complex_cell(values: Sequence[complex]) -> tuple[Cell, int]:
    """Real and imaginary parts are columns of their own."""
    real_cell, real_width = _float_cell([value.real for value in values])
    imag_cell, imag_width = _float_cell([value.imag for value in values])

    def cell(value: complex) -> str:
        real, imag = real_cell(value.real), imag_cell(value.imag).lstrip()
        return f"{real}{imag}j" if imag[0] in "+-" else f"{real}+{imag}j"

    return cell, real_width + imag_width + 1


def _nested(
    values: Any,
    shape: tuple[int, ...],
    edge: int | None,
    cell: Cell,
    width: int,
    indent: int,
) -> str:
    """The bracketed text of a list of lists; `edge` is None where nothing is left out."""
    cut = edge is not None and shape[0] > 2 * edge
    if len(shape) == 1:
        cells = [cell(value) for value in values]
        if cut:
            cells[edge:edge] = [" ..."]
        per_line = max(1, (options["linewidth"] - indent) // (width + 2))
        lines = [", ".join(cells[at : at + per_line]) for at in range(0, len(cells), per_line)]
        return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
    rows = [_nested(row, shape[1:], edge, cell, width, indent + 1) for row in values]
    if cut:
        rows[edge:edge] = ["..."]
    gap = "," + "\n" * (len(shape) - 1) + " " * (indent + 1)
    return "[" + gap.join(rows) + "]"
