"""Build the wheel in a folder that is kept: `build_wheel.py FOLDER [KEY=VALUE ...]`.

The wheel goes to FOLDER/dist, objects stay in FOLDER for the next time; KEY=VALUE are CMake
definitions. It calls the build backend as pip would, but shows the compiler's progress. The wheel then gets the type
stubs that the package, unpacked into FOLDER/package, writes of itself: whoever adds an operation has no file to renew.
"""

import base64
import hashlib
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from scikit_build_core.build import build_wheel


def add_stubs(wheel: Path, unpacked: Path) -> None:
    """Write the stubs with tools/stubs.py, and put them into the wheel and its RECORD."""
    shutil.rmtree(unpacked, ignore_errors=True)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unpacked)
    subprocess.run([sys.executable, Path(__file__).parent / "stubs.py", unpacked], check=True)
    record = next(unpacked.glob("*.dist-info/RECORD"))
    with record.open("a") as lines:
        for name in ("tapeless/__init__.pyi", "tapeless/py.typed"):
            data = (unpacked / name).read_bytes()
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            lines.write(f"{name},sha256={digest},{len(data)}\n")
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for file in sorted(unpacked.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                archive.write(file, file.relative_to(unpacked))


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
    wheel = dist / build_wheel(str(dist), settings)
    # An instrumented extension needs its runtime preloaded, so it is not imported here.
    if not definitions:
        add_stubs(wheel, Path(folder) / "package")
    print("built", wheel)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
