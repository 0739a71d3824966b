"""The tutorial's first program, as printed there, with `import torch` ahead: `Variable(data)` asks for a gradient."""

import torch
from torch.autograd import Variable

x, prev_h = Variable(torch.randn(1, 10)), Variable(torch.randn(1, 20))
W_h, W_x = Variable(torch.randn(20, 20)), Variable(torch.randn(20, 10))
i2h = torch.matmul(W_x, x.t())
h2h = torch.matmul(W_h, prev_h.t())
(i2h + h2h).tanh().sum().backward()
