# torch.__config__: how this package was built, in words.
"""What `torch.__config__` tells about a build."""

import tapeless


def show() -> str:
    """A few lines on the build, for a person."""
    return (
        f"Tapeless {tapeless.__version__}, standing in for PyTorch 2.13\n"
        "  - element-wise kernels of its own, products and decompositions by OpenBLAS\n"
        f"  - {tapeless.get_num_threads()} threads\n"
    )


def parallel_info() -> str:
    """How many threads work, for a person."""
    return f"threads of the one pool: {tapeless.get_num_threads()}\n"
