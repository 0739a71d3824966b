# torch.utils.benchmark: timing of statements, and tables of the times.
"""`Timer` times a statement, `Measurement` holds its times, `Compare` prints several side by side."""

from tapeless.utils.benchmark.compare import Compare
from tapeless.utils.benchmark.timer import Language, Measurement, Timer, timer

__all__ = ["Compare", "Language", "Measurement", "Timer", "timer"]
