# torch.version: what this is a version of.
"""The version, and what it was built with."""

import tapeless

__version__ = tapeless.__version__
debug = False
cuda = hip = rocm = xpu = git_version = None
