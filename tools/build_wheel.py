"""Build the wheel in a folder that is kept: `build_wheel.py FOLDER [KEY=VALUE ...]`.

The wheel goes to FOLDER/dist, objects stay in FOLDER for the next time; KEY=VALUE are CMake
definitions. It calls the build backend as pip would, but shows the compiler's progress.
"""

import sys
from pathlib import Path

from scikit_build_core.build import build_wheel


def main(folder: str, definitions: list[str]) -> None:
    """Leave exactly one wheel in FOLDER/dist."""
    dist = Path(folder) / "dist"
    dist.mkdir(parents=True, exist_ok=True)
    for old in dist.glob("*.whl"):
        old.unlink()
    settings: dict[str, str | list[str]] = {"build-dir": folder}
    for definition in definitions:
        key, value = definition.split("=", 1)
        settings[f"cmake.define.{key}"] = value
    print("built", dist / build_wheel(str(dist), settings))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
