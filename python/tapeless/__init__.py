# The torch-compatible namespace: everything public of Tapeless, without importing NumPy or starting threads.
"""Tapeless: automatic differentiation on tensors, PyTorch's programs, fused by default."""

import os as _os
import sys as _sys
import types as _types
from typing import Any as _Any

from tapeless import _core

_here = _os.path.dirname(__file__)
_core._set_openblas_path(_os.path.join(_here, "_lib", "libscipy_openblas.so"))
_core._install_locations(_here + _os.sep)

from tapeless._core import (  # noqa: E402
    Tensor,
    bfloat16,
    bool,
    can_cast,
    complex64,
    complex128,
    device,
    dtype,
    float16,
    float32,
    float64,
    get_default_dtype,
    get_num_threads,
    int8,
    int16,
    int32,
    int64,
    promote_types,
    set_num_threads,
    uint8,
)
from tapeless._size import Size  # noqa: E402
from tapeless._values import (  # noqa: E402
    channels_last,
    channels_last_3d,
    contiguous_format,
    e,
    finfo,
    iinfo,
    inf,
    jagged,
    layout,
    memory_format,
    nan,
    newaxis,
    pi,
    preserve_format,
    set_default_dtype,
    sparse_bsc,
    sparse_bsr,
    sparse_coo,
    sparse_csc,
    sparse_csr,
    strided,
)

float = float32
double = float64
half = float16
short = int16
int = int32
long = int64
cfloat = complex64
cdouble = complex128

globals().update({name: f for name, f in _core.functions.items() if not name.startswith("_")})
_nn = _types.SimpleNamespace(**_core.nn_functions)  # What nn.functional is made of; PyTorch hides its own too.
_chunk_cat = _core.functions["_chunk_cat"]

from tapeless import _storage, _typed, autograd, fusion, operations, overrides, random, return_types, utils  # noqa: E402
from tapeless._creation import *  # noqa: E402, F403
from tapeless._interop import from_dlpack, from_numpy  # noqa: E402
from tapeless._settings import (  # noqa: E402
    are_deterministic_algorithms_enabled,
    get_deterministic_debug_mode,
    get_float32_matmul_precision,
    is_deterministic_algorithms_warn_only_enabled,
    set_default_tensor_type,
    set_deterministic_debug_mode,
    set_float32_matmul_precision,
    use_deterministic_algorithms,
)
from tapeless._storage import TypedStorage, UntypedStorage, is_storage  # noqa: E402
from tapeless._tensor_str import set_printoptions  # noqa: E402
from tapeless.autograd.grad_mode import (  # noqa: E402
    enable_grad,
    inference_mode,
    no_grad,
    set_grad_enabled,
)
from tapeless.random import (  # noqa: E402
    Generator,
    default_generator,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)

globals().update(operations.functions)
globals().update(_typed.CLASSES)
globals().update(_storage.CLASSES)

is_anomaly_check_nan_enabled = _core.is_anomaly_check_nan_enabled
is_anomaly_enabled = _core.is_anomaly_enabled
is_grad_enabled = _core.is_grad_enabled
is_inference_mode_enabled = _core.is_inference_mode_enabled

from tapeless import _later, _missing, _tensor, _utils  # noqa: E402  (_tensor fills in Tensor's methods)

__version__ = "2.13.0+tapeless.0.1.0"


_missing.extend_modules()
_missing.explain_absent_attributes(Tensor)
_sys.modules[__name__].__class__ = _missing.Namespace


def __getattr__(name: str) -> _Any:
    found = globals()[name] = _later.load(name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_later.names()})
