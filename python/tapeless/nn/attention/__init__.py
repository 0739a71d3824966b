# torch.nn.attention: which kernel attention would use; there is one, the exact one.
"""`sdpa_kernel` picks among kernels of attention: the choice is checked and kept, and changes nothing here."""

import contextlib
from collections.abc import Iterable, Iterator

from tapeless.backends import cuda
from tapeless.backends.cuda import SDPBackend

__all__ = ["SDPBackend", "sdpa_kernel"]


@contextlib.contextmanager
def sdpa_kernel(backends: Iterable[SDPBackend] | SDPBackend, set_priority: bool = False) -> Iterator[None]:
    """Allows only these kernels within it. TypeError for what is no SDPBackend."""
    chosen = {backends} if isinstance(backends, SDPBackend) else set(backends)
    if not all(isinstance(backend, SDPBackend) for backend in chosen):
        raise TypeError(f"sdpa_kernel: a SDPBackend or a list of them is needed, not {backends!r}")
    with cuda.sdp_kernel(
        enable_flash=SDPBackend.FLASH_ATTENTION in chosen,
        enable_math=SDPBackend.MATH in chosen,
        enable_mem_efficient=SDPBackend.EFFICIENT_ATTENTION in chosen,
        enable_cudnn=SDPBackend.CUDNN_ATTENTION in chosen,
    ):
        yield
