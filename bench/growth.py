# Whether time stays linear: long chains built, differentiated and freed, and many writes of single elements.
"""`make bench ARGS=growth`: times per node and per write at two sizes, the collector on."""

from __future__ import annotations

import gc
import statistics
import time
from typing import Any

MOST = 1.5  # times as long per piece at the large size as at the small one
CHAIN = (10_000, 1_000_000)
WRITES = (10_000, 100_000)


def _chain(torch: Any, nodes: int) -> dict[str, float]:
    leaf, factor = torch.ones(4, requires_grad=True), torch.ones(4)
    x = leaf
    start = time.perf_counter()
    for _ in range(nodes):
        x = x * factor
    built = time.perf_counter()
    x.backward(factor, retain_graph=True)
    differentiated = time.perf_counter()
    del x
    freed = time.perf_counter()
    return {
        "chain: forward, ns per node": built - start,
        "chain: backward, ns per node": differentiated - built,
        "chain: freeing, ns per node": freed - differentiated,
        "chain: all of it, ns per node": freed - start,
    }


def _writes(torch: Any, count: int) -> dict[str, float]:
    b, value = torch.zeros(count), torch.ones((), requires_grad=True)
    start = time.perf_counter()
    for i in range(count):
        b[i] = value
    written = time.perf_counter()
    b.sum().backward()
    done = time.perf_counter()
    return {
        "b[i] = v: forward, ns per write": written - start,
        "b[i] = v: backward, ns per write": done - written,
    }


def _times(
    torch: Any, work: Any, small: int, large: int, rounds: int
) -> dict[str, tuple[list[float], list[float]]]:
    """Per phase, nanoseconds per piece at the small and at the large size."""
    times: dict[str, tuple[list[float], list[float]]] = {}
    # Small sizes are repeated, so that a pause of the machine does not decide.
    for at, size in ((0, small), (0, small), (0, small), (1, large)) * rounds:
        for name, taken in work(torch, size).items():
            times.setdefault(name, ([], []))[at].append(taken / size * 1e9)
    return times


def measure(torch: Any, rounds: int = 5) -> list[dict[str, Any]]:
    """Medians at both sizes, and how much longer a piece takes at the large one."""
    assert gc.isenabled()
    rows = []
    for work, (small, large) in ((_chain, CHAIN), (_writes, WRITES)):
        times = _times(torch, work, small, large, rounds)
        for name, (few, many) in times.items():
            short, long = statistics.median(few), statistics.median(many)
            rows.append(
                {
                    "what": name,
                    "small": small,
                    "large": large,
                    "small_ns": round(short, 1),
                    "large_ns": round(long, 1),
                    "ratio": round(long / short, 2),
                    "most": MOST,
                }
            )
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as text."""
    lines = [f"{'what':36}{'sizes':>20}{'small ns':>10}{'large ns':>10}{'ratio':>8}{'most':>8}"]
    for row in rows:
        sizes = f"{row['small']}, {row['large']}"
        mark = f"<={row['most']:g}" + ("" if row["ratio"] <= row["most"] else " !")
        lines.append(
            f"{row['what']:36}{sizes:>20}{row['small_ns']:10.0f}{row['large_ns']:10.0f}"
            f"{row['ratio']:8.2f}{mark:>8}"
        )
    return "\n".join(lines)
