# torch.utils.cpp_extension: extensions compiled against PyTorch's C++, which cannot be built here.
"""Building C++ or CUDA against PyTorch is not possible; what asks for it gets the reason."""

from typing import Any

from tapeless import _doors

CUDA_HOME = ROCM_HOME = CUDNN_HOME = None
IS_HIP_EXTENSION = False
MINIMUM_GCC_VERSION = (5, 0, 0)
CUDA_GCC_VERSIONS: dict[str, Any] = {}
_WHY = (
    "torch.utils.cpp_extension.{}: an extension is compiled against PyTorch's C++ library, which is not here; write "
    "the operation in Python, by torch.autograd.Function, or call compiled code through NumPy arrays"
)
globals().update(_doors.refusals("load load_inline CppExtension CUDAExtension SyclExtension", RuntimeError, _WHY))
globals().update(_doors.answers("include_paths library_paths", []))
globals().update(_doors.answers("is_ninja_available check_compiler_ok_for_platform", False))


class BuildExtension:
    """A setup command that would build such extensions; finalizing one raises."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise RuntimeError(_WHY.replace("{}", "BuildExtension"))

    @classmethod
    def with_options(cls, **options: Any) -> type:
        """The class itself."""
        return cls

    def build_extensions(self) -> None:
        """Never reached."""
