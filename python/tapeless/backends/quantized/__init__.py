# torch.backends.quantized: engines of quantized arithmetic, of which there are none.
"""Quantized arithmetic is out of scope: there is no engine."""

engine = "none"
supported_engines = ["none"]
