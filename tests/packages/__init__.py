"""Packages from PyPI that stand on PyTorch, unmodified, on Tapeless: what runs and whether it agrees."""
