"""The tutorial's second program, as printed there; the prompt of `python -m tapeless` shows its last line's value."""

import torch
my_tnsr = torch.Tensor(6.7)
my_tnsr
