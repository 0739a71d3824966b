# torch.xpu, where there is no such device: answers, and PyTorch's own errors.
"""Intel's GPUs, of which there are none: `is_available()` is False, and what needs one raises what PyTorch raises."""

from tapeless import _absent_device

globals().update(_absent_device.functions("xpu"))
