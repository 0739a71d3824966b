"""Print requirements named in pyproject.toml, one per line: `requirements.py build run test`.

`build` is what the build needs, `run` what the package needs, any other word one of its extras.
"""

import sys
import tomllib
from pathlib import Path


def requirements(names: list[str]) -> list[str]:
    """The requirements of all the named groups, in order."""
    text = (Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8")
    settings = tomllib.loads(text)
    groups = dict(settings["project"]["optional-dependencies"])
    groups["build"] = settings["build-system"]["requires"]
    groups["run"] = settings["project"]["dependencies"]
    unknown = [name for name in names if name not in groups]
    if unknown or not names:
        asked = unknown or "nothing"
        raise SystemExit(f"requirements: {asked} asked for; what exists: {sorted(groups)}")
    return [line for name in names for line in groups[name]]


if __name__ == "__main__":
    print("\n".join(requirements(sys.argv[1:])))
