# torch.onnx.symbolic_opset11: empty, as nothing is exported.
"""A module that packages import by name."""
