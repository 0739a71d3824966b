"""Compares Tapeless with PyTorch on PyTorch's operator samples: `python -m tests.conformance`."""
