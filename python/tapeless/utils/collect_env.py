# torch.utils.collect_env: what a report of a fault should say about the machine.
"""`python -m torch.utils.collect_env` under the runner prints it."""

import platform
import subprocess
import sys
from typing import NamedTuple

import tapeless


def run(command: str) -> tuple[int, str, str]:
    """A command's status, output and errors."""
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    return done.returncode, done.stdout.strip(), done.stderr.strip()


def _first_line(command: str) -> str | None:
    status, output, _ = run(command)
    return output.splitlines()[0] if status == 0 and output else None


def get_gcc_version(run_lambda: object = None) -> str | None:
    """The version of gcc, or None."""
    return _first_line("gcc --version")


def get_gpu_info(run_lambda: object = None) -> str | None:
    """The GPUs that the driver lists, or None."""
    return _first_line("nvidia-smi -L")


def get_nvidia_driver_version(run_lambda: object = None) -> str | None:
    """The version of NVIDIA's driver, or None."""
    return _first_line("nvidia-smi --query-gpu=driver_version --format=csv,noheader")


def get_cpu_info(run_lambda: object = None) -> str:
    """The processor, as the system names it."""
    return _first_line("grep -m1 'model name' /proc/cpuinfo | cut -d: -f2-") or platform.processor()


class SystemEnv(NamedTuple):
    """What is known about the machine and the packages."""

    torch_version: str
    python_version: str
    os: str
    gcc_version: str | None
    cpu_info: str
    threads: int
    is_cuda_available: bool


def get_env_info() -> SystemEnv:
    """All of it."""
    return SystemEnv(
        torch_version=tapeless.__version__,
        python_version=sys.version.replace("\n", " "),
        os=platform.platform(),
        gcc_version=get_gcc_version(),
        cpu_info=get_cpu_info(),
        threads=tapeless.get_num_threads(),
        is_cuda_available=tapeless.cuda.is_available(),
    )


def get_pretty_env_info() -> str:
    """All of it, a line each."""
    return "\n".join(f"{name}: {value}" for name, value in get_env_info()._asdict().items())


def main() -> None:
    """Print it."""
    print(get_pretty_env_info())


if __name__ == "__main__":
    main()
