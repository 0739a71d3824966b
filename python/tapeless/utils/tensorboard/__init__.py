# Event files for TensorBoard.
"""`torch.utils.tensorboard`: SummaryWriter, through the package tensorboardX where it is installed."""

from tapeless.utils.tensorboard.writer import SummaryWriter

__all__ = ["SummaryWriter"]
