"""The benchmark's report in Markdown."""

import os
import platform
import statistics
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.bench.ratios import FILTERED, RATIOS

_HEAD = (
    "| recall ≥ | engine | ef | recall@10 | 1 caller: p50 ms | qps | 16 callers: qps | p50 ms | p99 ms "
    "| load CPU | batch qps | build points/s |"
)
_CELLS = _HEAD.count("|") - 1
# Which rate of an engine stands in the columns for many callers; each is a row of its own.
_ROWS = {"callers": "", "hybrid": ", by meaning and words"}

Tree = Mapping[str, Any]


def markdown(report: Tree) -> str:
    """Return the table, what could not be measured, the ratios and the facts, as far as they are there."""
    lines = [_first_line(report), "", _HEAD, "|" + "---|" * _CELLS]
    lines += [line for level in report.get("speeds", {}) for line in _level(report, level)]
    for group in ("missing", "failed"):
        for name, why in report.get(group, {}).items():
            lines.append(f"| | {name} | | not there: {_one_line(why)} |" + " |" * (_CELLS - 4))
    lines += ["", *_ratios(report), "", *_filters(report), "", *_facts(report)]
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


def _first_line(report: Tree) -> str:
    return (
        f"{report['points']:,} points × 384, k = 10, 1,000 held-out questions; medians of {report['rounds']} "
        f"rounds of {report['seconds']:g} s; {report['machine']}; load generator in C on the same machine. "
        f"Text {report['text']}."
    )


def _level(report: Tree, level: str) -> Iterator[str]:
    speeds = report["speeds"][level]
    for name, engine in report.get("engines", {}).items():
        if not any(what.startswith(f"{name} ") for what in speeds):
            continue
        tuned = engine.get(level)
        for kind, more in _ROWS.items():
            if kind == "callers" or f"{name} {kind}" in speeds:
                yield _line(level, engine["shown"] + more, engine, tuned, _speeds(speeds, name, kind))


def _speeds(speeds: Tree, name: str, many: str) -> dict[str, dict[str, float] | None]:
    kinds = {"many": many} if many != "callers" else {"single": "single", "many": "callers", "batch": "batch"}
    return {column: _median(speeds.get(f"{name} {kind}", ())) for column, kind in kinds.items()}


def _median(rounds: Any) -> dict[str, float] | None:
    measured = [each for each in rounds if each is not None]
    if not measured:
        return None
    return {name: statistics.median(each[name] for each in measured) for name in measured[0]}


def _line(level: str, shown: str, engine: Tree, tuned: Tree | None, speeds: Tree) -> str:
    single, many, batch = (speeds.get(each) for each in ("single", "many", "batch"))
    reached = "" if tuned is None or tuned["recall"] >= float(level) else " (not reached)"
    cells = [
        level,
        shown,
        f"{tuned['ef']}" if tuned else "",
        f"{tuned['recall']:.3f}{reached}" if tuned else "",
        f"{single['p50_ms']:.2f}" if single else "",
        f"{single['qps']:.0f}" if single else "",
        f"{many['qps']:.0f}" if many else "",
        f"{many['p50_ms']:.1f}" if many else "",
        f"{many['p99_ms']:.1f}" if many else "",
        f"{many['cpu']:.2f}" if many and many["cpu"] else "",
        f"{batch['qps']:.0f}" if batch else "",
        f"{engine.get('build_points_per_second', '')}",
    ]
    return f"| {' | '.join(cells)} |"


def _ratios(report: Tree) -> Iterator[str]:
    yield "| ratio | what to what | at .95 | at .99 | wanted |"
    yield "|---|---|---|---|---|"
    first, second = report.get("ratios", {}), report.get("ratios_at_99", {})
    for name, ratio in {**RATIOS, "filtered_to_unfiltered": FILTERED}.items():
        least, more = ratio.promised
        wanted = "" if least is None else f"≥ {least:g}" if least == more else f"≥ {least:g}, ≥ {more:g}"
        found = f"{_shown(first.get(name))} | {_shown(second.get(name))}"
        yield f"| {name} | {ratio.meaning} | {found} | {wanted} |"
    over = report.get("p50_over_hnswlib_ms", {})
    found = f"{_shown(over.get('0.95'))} | {_shown(over.get('0.99'))}"
    yield f"| p50_over_hnswlib_ms | 1 process, 1 caller; less hnswlib's in process | {found} | ≤ 0.8 |"


def _filters(report: Tree) -> Iterator[str]:
    yield "| filter keeps | unfiltered recall ≥ | recall within | qps to unfiltered |"
    yield "|---|---|---|---|"
    for level, filters in report.get("filters", {}).items():
        for label, each in filters.items():
            yield f"| {label} | {level} | {each['recall']:.3f} | {each['to_unfiltered']} |"


def _facts(report: Tree) -> Iterator[str]:
    yield "| fact | |"
    yield "|---|---|"
    for level, each in report.get("calibrated", {}).items():
        for name, value in each.items():
            yield f"| {name}, target {level} | {value} |"
    for name, levels in report.get("batch_recall", {}).items():
        recalls = ", ".join(f"{recall:.3f} at {level}" for level, recall in levels.items())
        yield f"| recall in batches, {name} | {recalls} |"
    for name, value in report.get("facts", {}).items():
        yield f"| {name} | {value} |"


def _one_line(text: str) -> str:
    return " ".join(text.replace("|", "/").split())[:300]


def _shown(value: object) -> str:
    return "not there" if value is None else str(value)
