# The pictures of docs/tutorial.md: draws the graphs of the tutorial's programs into docs/pictures.
"""`python tools/pictures.py docs/pictures`; a test holds the files against this."""

import re
import sys
from pathlib import Path
from typing import Any

import tapeless

TUTORIAL = Path(__file__).resolve().parent.parent / "examples" / "tutorial"

FIRST = """\
import torch
x = torch.tensor(2.0, requires_grad=True)
y = torch.tensor(3.0, requires_grad=True)
z = x * y + x
"""


def programs() -> dict[str, tuple[str, str, str]]:
    """By picture: the file's name in the picture, its text without backward(), and the name of the last result."""
    first = (TUTORIAL / "program1.py").read_text()
    third = (TUTORIAL / "program3.py").read_text()
    return {
        "first.svg": ("first.py", FIRST, "z"),
        "program1.svg": (
            "program1.py",
            first.replace("(i2h + h2h)", "out = (i2h + h2h)").replace(".backward()", ""),
            "out",
        ),
        "program3.svg": ("program3.py", third.replace("L.backward()\n", ""), "L"),
    }


def picture(file: str, text: str, output: str) -> str:
    """The SVG of the graph behind the program's last result, its leaves named as in the program."""
    names: dict[str, Any] = {}
    installed = "torch" in sys.modules
    tapeless.install_as_torch()
    try:
        exec(compile(text, file, "exec"), names)
    finally:
        if not installed:
            tapeless.uninstall_as_torch()
    leaves = {name: value for name, value in names.items() if isinstance(value, tapeless.Tensor) and value.is_leaf}
    return _renumbered(tapeless.viz.graph({output: names[output]}, leaves).svg())


def _renumbered(svg: str) -> str:
    """The picture with its nodes counted from 1, whatever was computed in this process before."""
    pattern = r"number: ([\d,]+)"  # With commas between thousands.
    numbers = sorted({int(n.replace(",", "")) for n in re.findall(pattern, svg)})
    return re.sub(pattern, lambda match: f"number: {numbers.index(int(match[1].replace(',', ''))) + 1}", svg)


def main(folder: str) -> None:
    """Draw them all."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, program in programs().items():
        Path(folder, name).write_text(picture(*program), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
