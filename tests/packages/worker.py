# Runs one package's program in a process of its own, under PyTorch or under the runner, and prints what it gave.
"""`worker.py PROGRAM` prints one line of JSON: the values, the seconds of a call, or the text of an error."""

import importlib.util
import json
import sys
import time
import traceback
import warnings
from pathlib import Path


def plain(value):
    """A value as JSON: tensors and arrays as nested lists of numbers, texts as they are."""
    if hasattr(value, "tolist"):
        value = value.detach().tolist() if hasattr(value, "detach") else value.tolist()
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def declare_operators():
    """Make torchvision importable beside PyTorch for CPUs: its wheel on PyPI can only load its operators for CUDA's."""
    import torch

    if torch.version.cuda is None:
        for name in ("nms", "qnms"):
            torch.library.define(f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


def run(path):
    """The values of a program's main() and the seconds of a second call, when all is imported and warm."""
    spec = importlib.util.spec_from_file_location("program_of_" + path.stem, path)
    program = importlib.util.module_from_spec(spec)
    declare_operators()
    spec.loader.exec_module(program)
    values = program.main()
    begin = time.perf_counter()
    program.main()
    seconds = time.perf_counter() - begin
    return {"values": {str(name): plain(value) for name, value in values.items()}, "seconds": seconds}


def main():
    """Print the line; an exception becomes its last lines."""
    warnings.simplefilter("ignore")
    # The programs bear the names of the packages that they use.
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != Path(__file__).parent]
    try:
        result = run(Path(sys.argv[1]))
    except BaseException as error:  # Whatever a package does, the page has to say it.
        frames = traceback.extract_tb(error.__traceback__)
        where = next(
            (
                f"{Path(f.filename).parent.name}/{Path(f.filename).name}:{f.lineno}"
                for f in reversed(frames)
                if "tapeless" not in f.filename
            ),
            "",
        )
        text = traceback.format_exception_only(error)[-1].strip()
        result = {"error": f"{text} ({where})", "traceback": "".join(traceback.format_exception(error)[-12:])}
    print("\n" + json.dumps(result))


if __name__ == "__main__":
    main()
