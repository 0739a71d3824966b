# torch.distributed.elastic: processes that come and go, which are not started here.
"""Processes that come and go: types for isinstance, and refusals."""
