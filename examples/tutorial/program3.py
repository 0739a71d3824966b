"""The tutorial's third program, as printed there."""

import torch

a = torch.randn((5,5), requires_grad = True)
x1 = torch.randn((5,5), requires_grad = True)
x2 = torch.randn((5,5), requires_grad = True)
x3 = torch.randn((5,5), requires_grad = True)
x4 = torch.randn((5,5), requires_grad = True)
b = x1*a
c = x2*a
d = x3*b + x4*c
L = (10 -d).sum()
L.backward()
