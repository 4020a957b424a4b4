"""
`make bench PART=vector`: vector search beside its peers, in one run.

Prints a Markdown table on standard output, a line per step on standard error, and keeps all figures in
`build/bench/vector.json`, which is written after every step. All engines hold the same points and stay up;
they are measured in turns, round by round, so that a slow minute of the machine meets all of them, and each
ratio is the median of the rounds' ratios. A peer that fails is named in the table, with its reason.

Settings, as options of `python -m tests.bench.vector` or in the environment:

- `BENCH_POINTS` (100,000), of 384 dimensions.
- `BENCH_ROUNDS` (3) per level of recall, and `BENCH_SECONDS` (3) for each measurement.
- `BENCH_PEERS`: some of hnswlib,faiss,usearch,chroma,pgvector,milvus-lite; all by default.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.runtime.logs import configure
from tests.bench import load
from tests.bench.comparison import LEVELS, PEERS, Comparison
from tests.bench.data import FOLDER, prepare
from tests.bench.facts import Facts
from tests.bench.report import Report
from tests.bench.table import machine, markdown


@dataclass(frozen=True)
class _Settings:
    points: int
    rounds: int
    seconds: float
    peers: list[str]
    out: Path


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, write; exit with 1 where a step that needs no peer failed."""
    settings = _settings(arguments)
    configure("bench", "error")
    report = Report(settings.out)
    report.say("data")
    load.build()
    data = prepare(settings.points)
    for name, value in {
        "machine": machine(),
        "points": data.size,
        "text": data.text_checksum,
        "rounds": settings.rounds,
        "seconds": settings.seconds,
    }.items():
        report.put(name, value=value)
    report.say("exact answers")
    _ = data.truth
    comparison = Comparison(data, report, settings.seconds)
    try:
        _measure(comparison, report, settings)
    finally:
        comparison.close()
        report.put("minutes", value=round(report.minutes, 1))
        report.put("table", value=markdown(report.content))
        print(report.content["table"])
    sys.exit(1 if report.content["failed"] else 0)


def _measure(comparison: Comparison, report: Report, settings: _Settings) -> None:
    comparison.open_peers(settings.peers)
    if not report.step("ours: fill", comparison.build) or not report.step("ours: tune", comparison.tune):
        return
    report.step("ours: a second installation, and the ceilings", comparison.spread)
    facts = Facts(comparison.one, report, settings.rounds, settings.seconds)
    for level in LEVELS:
        report.step(f"recall {level}: efforts", _at(comparison.prepare, level))
        for number in range(settings.rounds):
            what = f"recall {level}: round {number + 1} of {settings.rounds}"
            report.step(what, _at(comparison.round, level))
        report.step(f"recall {level}: filters", _at(_filters(comparison, facts, report), level))
    comparison.leave_one()
    efs = {level: comparison.ef(level) for level in LEVELS}
    for name, step in facts.steps(efs, settings.points):
        report.step(name, step)


def _filters(comparison: Comparison, facts: Facts, report: Report) -> Callable[[float], None]:
    def measure(level: float) -> None:
        least = facts.filters(level, comparison.ef(level))
        report.put("ratios" if level == LEVELS[0] else "ratios_at_99", "filtered_to_unfiltered", value=least)

    return measure


def _at(step: Callable[[float], None], level: float) -> Callable[[], None]:
    return lambda: step(level)


def _settings(arguments: Sequence[str] | None) -> _Settings:
    parser = argparse.ArgumentParser(description="Vector search beside its peers.")
    given = os.environ.get
    parser.add_argument("--points", type=int, default=int(given("BENCH_POINTS", "100000")))
    parser.add_argument("--rounds", type=int, default=int(given("BENCH_ROUNDS", "3")))
    parser.add_argument("--seconds", type=float, default=float(given("BENCH_SECONDS", "3")))
    parser.add_argument("--peers", default=given("BENCH_PEERS", ",".join(PEERS)))
    parser.add_argument("--out", type=Path, default=FOLDER / "vector.json")
    found = parser.parse_args(arguments)
    peers = [name for name in found.peers.split(",") if name]
    if unknown := set(peers) - set(PEERS):
        parser.error(f"no such peers: {', '.join(sorted(unknown))}")
    return _Settings(found.points, found.rounds, found.seconds, peers, found.out)


if __name__ == "__main__":
    main()
