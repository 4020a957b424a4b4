"""The benchmark's table, in Markdown."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.engine import Speed, Tuned

_HEAD = (
    "| recall ≥ | engine | ef | recall@10 | 1 caller: p50 ms | qps | 16 callers: qps | p50 ms | p99 ms "
    "| load CPU | batch qps | build points/s |"
)


@dataclass(frozen=True)
class Row:
    """One engine at one level of recall."""

    level: float
    name: str
    tuned: Tuned
    # By single, callers, batch; what is not there is left out.
    speeds: Mapping[str, Speed]
    built: float


def markdown(rows: Sequence[Row], missing: Mapping[str, str], report: Mapping[str, Any]) -> str:
    """Return the table, what could not be measured, the ratios and the facts."""
    lines = [f"{report['points']} points × 384, k = 10, 1,000 held-out questions; {report['machine']}.", ""]
    lines += [_HEAD, "|" + "---|" * (_HEAD.count("|") - 1)]
    lines += [_line(row) for row in rows]
    lines += [f"| | {name} | not there: {why} |" + " |" * 9 for name, why in missing.items()]
    lines += ["", "| ratio | at .95 | at .99 |", "|---|---|---|"]
    lines += [
        f"| {name} | {_shown(value)} | {_shown(report['ratios_at_99'].get(name))} |"
        for name, value in report["ratios"].items()
    ]
    lines += ["", "| filter keeps | recall within | qps to unfiltered |", "|---|---|---|"]
    lines += [
        f"| {label} | {each['recall']:.3f} | {each['to_unfiltered']} |"
        for label, each in report["filters"].items()
    ]
    lines += ["", "| fact | |", "|---|---|"]
    lines += [f"| {name} | {_shown(value)} |" for name, value in report["facts"].items()]
    return "\n".join(lines)


def machine() -> str:
    """Return what the figures were measured on."""
    information = Path("/proc/cpuinfo")
    names = [
        line.partition(":")[2].strip()
        for line in (information.read_text().splitlines() if information.exists() else [])
        if line.startswith("model name")
    ]
    return f"{os.cpu_count()} processors ({names[0] if names else platform.machine()})"


def _line(row: Row) -> str:
    single, callers, batch = (row.speeds.get(each) for each in ("single", "callers", "batch"))
    cells = [
        f"{row.level}",
        row.name,
        f"{row.tuned.ef}",
        f"{row.tuned.recall:.3f}" + ("" if row.tuned.recall >= row.level else " (not reached)"),
        f"{single.p50_ms:.2f}" if single else "",
        f"{single.qps:.0f}" if single else "",
        f"{callers.qps:.0f}" if callers else "",
        f"{callers.p50_ms:.1f}" if callers else "",
        f"{callers.p99_ms:.1f}" if callers else "",
        f"{callers.cpu:.2f}" if callers and callers.cpu else "",
        f"{batch.qps:.0f}" if batch else "",
        f"{row.built:.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def _shown(value: object) -> str:
    return "not there" if value is None else str(value)
