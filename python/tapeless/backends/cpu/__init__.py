# torch.backends.cpu: which instructions this processor has.
"""The processor's vector instructions."""


def get_cpu_capability() -> str:
    """ "AVX512", "AVX2" or "DEFAULT": the widest instructions that the system says the processor has."""
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            flags = next((line.split() for line in file if line.startswith("flags")), [])
    except OSError:
        flags = []
    return "AVX512" if "avx512f" in flags else "AVX2" if "avx2" in flags else "DEFAULT"
