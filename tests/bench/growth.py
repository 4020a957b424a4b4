"""
`make bench PART=vector-growth`: latency and memory of one process at 10,000, 100,000 and 1,000,000 points.

Prints a Markdown table on standard output and a line per step on standard error. The figures go to
`build/bench/vector-growth.json` after every size, the drawing to where the service's README shows it. A size
is asked at the least effort that reaches recall .95 there.

Settings, as options of `python -m tests.bench.growth` or in the environment: `BENCH_SIZES`, with commas.
"""

import argparse
import os
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from services.runtime.logs import configure
from tests.bench import load
from tests.bench.data import FOLDER, ROOT, prepare
from tests.bench.drawing import Size, drawing
from tests.bench.facts import least_bytes
from tests.bench.ours import Ours
from tests.bench.replica import Replica
from tests.bench.report import Report

SIZES = (10_000, 100_000, 1_000_000)
_TARGET = 0.95
_FIGURE = ROOT / "services" / "vector_search" / "growth.svg"
_ROUNDS, _SECONDS = 5, 3.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure each size in turn."""
    parser = argparse.ArgumentParser(description="Growth of vector search.")
    parser.add_argument("--sizes", default=os.environ.get("BENCH_SIZES", ",".join(map(str, SIZES))))
    parser.add_argument("--figure", type=Path, default=_FIGURE)
    parser.add_argument("--out", type=Path, default=FOLDER / "vector-growth.json")
    given = parser.parse_args(arguments)
    configure("bench", "error")
    report = Report(given.out)
    load.build()
    sizes: list[Size] = []
    for points in map(int, given.sizes.split(",")):
        report.step(f"{points:,} points", lambda points=points: sizes.append(_measure(points, report)))  # type: ignore[misc]
        report.put("sizes", value=[asdict(each) for each in sizes])
        report.put("ratios", value=ratios(sizes))
    report.put("minutes", value=round(report.minutes, 1))
    if len(sizes) > 1:
        given.figure.write_text(drawing(sizes), encoding="utf-8")
    print(table(sizes, ratios(sizes)))
    sys.exit(1 if report.content["failed"] else 0)


def ratios(sizes: Sequence[Size]) -> dict[str, float]:
    """Return how much the latency grew, and what the largest size holds beside what it has to hold."""
    if not sizes:
        return {}
    first, last = sizes[0], sizes[-1]
    return {
        "p50_last_to_first": round(last.p50_ms / first.p50_ms, 3),
        "memory_to_least": round(last.memory_bytes / last.bytes_least, 3),
        "anonymous_memory_to_least": round(last.anonymous_bytes / last.bytes_least, 3),
    }


def table(sizes: Sequence[Size], found: dict[str, float]) -> str:
    """Return all sizes in Markdown."""
    lines = [
        "| points | ef | recall@10 | p50 ms | p99 ms | memory MB | of it anonymous "
        "| memory to vectors + links | points/s searchable | merged | start s |",
        "|" + "---|" * 11,
    ]
    for each in sizes:
        cells = (
            f"{each.points:,}",
            f"{each.ef}",
            f"{each.recall:.3f}",
            f"{each.p50_ms:.2f}",
            f"{each.p99_ms:.2f}",
            f"{each.memory_bytes >> 20:,}",
            f"{each.anonymous_bytes >> 20:,}",
            f"{each.memory_bytes / each.bytes_least:.2f}",
            f"{each.searchable_per_second:.0f}",
            f"{each.merged_per_second:.0f}",
            f"{each.start_seconds:.1f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    shown = ", ".join(f"{name} {value}" for name, value in found.items())
    return "\n".join([*lines, "", shown])


def _measure(points: int, report: Report) -> Size:
    report.say(f"{points:,}: data")
    data = prepare(points)
    replica = Replica(data, Ours(data, "ours-growth"))
    try:
        report.say(f"{points:,}: fill")
        built = replica.build()
        report.say(f"{points:,}: exact answers")
        _ = data.truth
        report.say(f"{points:,}: tune")
        tuned = replica.recalls().least(_TARGET)
        report.say(f"{points:,}: measure")
        ((_, started),) = replica.starts(tuned.ef, times=1)
        replica.settle()
        speeds = [replica.single(_SECONDS) for _ in range(_ROUNDS)]
        memory = replica.memory
        return Size(
            points=points,
            ef=tuned.ef,
            recall=tuned.recall,
            p50_ms=statistics.median(each.p50_ms for each in speeds),
            p99_ms=statistics.median(each.p99_ms for each in speeds),
            memory_bytes=memory.whole,
            anonymous_bytes=memory.anonymous,
            bytes_least=least_bytes(points),
            searchable_per_second=round(built.searchable),
            merged_per_second=round(built.merged),
            start_seconds=round(started, 2),
        )
    finally:
        replica.close()


if __name__ == "__main__":
    main()
