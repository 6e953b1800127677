"""What a benchmark found: each figure is the median of its runs, all of which are shown."""

from __future__ import annotations

import statistics
from pathlib import Path

import msgspec

from harness.processes import Use


class Figure(msgspec.Struct, frozen=True):
    """One line of the table."""

    what: str
    unit: str
    runs: list[float]
    foreign_percent: float = 0.0

    @property
    def median(self) -> float:
        return statistics.median(self.runs)


class Figures:
    """All lines, in the order in which they were first measured."""

    def __init__(self) -> None:
        self._runs: dict[tuple[str, str], list[float]] = {}
        self._foreign: dict[tuple[str, str], list[float]] = {}

    def add(self, what: str, unit: str, value: float, use: Use | None = None) -> None:
        """One run; `use` tells what else ran on the machine meanwhile."""
        self._runs.setdefault((what, unit), []).append(value)
        if use is not None:
            self._foreign.setdefault((what, unit), []).append(use.foreign_percent)

    def all(self) -> list[Figure]:
        return [
            Figure(what, unit, values, statistics.median(self._foreign.get((what, unit), [0.0])))
            for (what, unit), values in self._runs.items()
        ]

    def tell(self, out: Path | None) -> None:
        """Print the table, and write the figures as JSON when there is a file for that."""
        print(self.table())
        if out is not None:
            out.write_bytes(self.json())

    def json(self) -> bytes:
        return msgspec.json.format(msgspec.json.encode(self.all()), indent=1) + b"\n"

    def table(self) -> str:
        """Markdown."""
        lines = ["| what | median | unit | runs | foreign CPU |", "|---|---|---|---|---|"]
        for figure in self.all():
            runs = " ".join(_short(run) for run in figure.runs)
            foreign = f"{figure.foreign_percent:.0f} %" if figure.foreign_percent else ""
            lines.append(f"| {figure.what} | {_short(figure.median)} | {figure.unit} | {runs} | {foreign} |")
        return "\n".join(lines)


def _short(value: float) -> str:
    """Three digits that count."""
    return f"{value:.0f}" if value == 0 or abs(value) >= 100 else f"{value:.3g}"
