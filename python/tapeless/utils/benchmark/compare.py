# torch.utils.benchmark's Compare: measurements side by side.
"""A table of measurements: a row for each statement and number of threads, a column for each description."""

from collections.abc import Iterable

from tapeless.utils.benchmark.timer import Measurement, unit_of


class Compare:
    """Collects measurements and prints their medians as a table."""

    def __init__(self, results: Iterable[Measurement]) -> None:
        self._results = list(results)

    def extend_results(self, results: Iterable[Measurement]) -> None:
        """Adds measurements."""
        self._results.extend(results)

    def trim_significant_figures(self) -> None:
        """Times are printed with three figures as it is."""

    def colorize(self, rowwise: bool = False) -> None:
        """Times are printed without colours."""

    def highlight_warnings(self) -> None:
        """Nothing is highlighted."""

    def print(self) -> None:
        """Prints the table."""
        print(str(self))

    def __str__(self) -> str:
        if not self._results:
            return "no results"
        scale, unit = unit_of(min(result.median for result in self._results))
        columns = list(dict.fromkeys(str(r.description or r.stmt) for r in self._results))
        rows: dict[tuple[str, int], dict[str, float]] = {}
        for r in self._results:
            row = rows.setdefault((str(r.sub_label or r.label or r.stmt), r.num_threads), {})
            row[str(r.description or r.stmt)] = r.median
        width = max(len(name) for name, _ in rows)
        lines = [" " * (width + 14) + " | ".join(f"{column:>12}" for column in columns)]
        for (name, threads), times in rows.items():
            cells = [f"{times[c] / scale:>12.3g}" if c in times else " " * 12 for c in columns]
            lines.append(f"{name:<{width}}  {threads:>2} thread{'s' if threads > 1 else ' '}  " + " | ".join(cells))
        return "\n".join([*lines, f"Times are in {unit}."])
