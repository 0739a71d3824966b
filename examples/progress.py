# What the examples share: their arguments, and showing and keeping the losses of training.
"""`arguments` reads --steps, --seed and --losses; `Losses` prints as training goes and writes what it saw."""

import argparse
import pathlib
import time


def arguments(description: str, steps: int) -> argparse.Namespace:
    """The options of an example's command line."""
    parser = argparse.ArgumentParser(description=description.strip().splitlines()[0])
    parser.add_argument("--steps", type=int, default=steps, help="steps of training (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="seed of all random numbers (default: %(default)s)")
    parser.add_argument("--losses", type=pathlib.Path, help="a file to write the loss of every step to")
    parser.add_argument("--out", type=pathlib.Path, help="a folder to write pictures to, where there are any")
    return parser.parse_args()


class Losses(list):
    """The losses so far; ten lines of progress over all steps."""

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__()
        self.options, self.begin = options, time.perf_counter()

    def add(self, loss, **more: float) -> None:
        """Keeps one more loss, and prints it with other figures if it is time to."""
        self.append(loss.item())
        every = max(1, self.options.steps // 10)
        if len(self) % every == 0 or len(self) == self.options.steps:
            figures = "".join(f"  {name} {value:.4g}" for name, value in more.items())
            seconds = time.perf_counter() - self.begin
            print(f"step {len(self):5}  loss {self[-1]:.4f}{figures}  ({seconds:.1f} s)", flush=True)

    def save(self) -> None:
        """Writes the losses, one a line, if a file was asked for."""
        if self.options.losses:
            self.options.losses.write_text("".join(f"{loss!r}\n" for loss in self))
