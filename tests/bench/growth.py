"""
`make bench PART=vector-growth`: latency and memory of one process at 10,000, 100,000 and 1,000,000 points.

Writes `build/bench/vector-growth.json` and the figure that the service's README shows.
"""

import argparse
import json
import os
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from services.runtime.logs import configure
from tests.bench import load
from tests.bench.data import DIMENSIONS, FOLDER, ROOT, prepare
from tests.bench.replica import Replica

SIZES = (10_000, 100_000, 1_000_000)
_TARGET = 0.95
# Of one point in the graph: its links on the lowest level (2 × M of 4 bytes) and its share of the rest.
_LINK_BYTES = 2 * 16 * 4 + 48
_FIGURE = ROOT / "services" / "vector_search" / "growth.svg"


@dataclass(frozen=True)
class Size:
    """What one number of points took; `bytes_least`: vectors once, and the graph's links."""

    points: int
    ef: int
    recall: float
    p50_ms: float
    memory_bytes: int
    bytes_least: int


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure each size in turn."""
    parser = argparse.ArgumentParser(description="Growth of vector search.")
    parser.add_argument("--sizes", default=os.environ.get("BENCH_SIZES", ",".join(map(str, SIZES))))
    parser.add_argument("--figure", type=Path, default=_FIGURE)
    given = parser.parse_args(arguments)
    configure("bench", "error")
    load.build()
    sizes = [_measure(int(each)) for each in given.sizes.split(",")]
    first, last = sizes[0], sizes[-1]
    ratios = {
        "p50_last_to_first": round(last.p50_ms / first.p50_ms, 3),
        "memory_to_least": round(max(each.memory_bytes / each.bytes_least for each in sizes[1:] or sizes), 3),
    }
    report = {"sizes": [asdict(each) for each in sizes], "ratios": ratios}
    (FOLDER / "vector-growth.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    given.figure.write_text(figure(sizes), encoding="utf-8")
    print("| points | ef | recall@10 | p50 ms | memory MB | to vectors + links |\n|---|---|---|---|---|---|")
    for each in sizes:
        share = each.memory_bytes / each.bytes_least
        found = f"{each.ef} | {each.recall:.3f} | {each.p50_ms:.2f}"
        print(f"| {each.points:,} | {found} | {each.memory_bytes >> 20:,} | {share:.2f} |")
    print(json.dumps(ratios))


def _measure(points: int) -> Size:
    print(f"# {points} points", flush=True)
    data = prepare(points)
    replica = Replica(data)
    try:
        replica.build()
        tuned = replica.tune(_TARGET)
        replica.use(tuned.ef)
        p50 = statistics.median(replica.single(3.0).p50_ms for _ in range(5))
        least = points * (DIMENSIONS * 4 + _LINK_BYTES)
        return Size(points, tuned.ef, tuned.recall, p50, replica.memory_bytes, least)
    finally:
        replica.close()


def figure(sizes: Sequence[Size]) -> str:
    """Return a drawing of both curves, each in proportion to its largest value; points on a log scale."""
    width, height, left, low = 640, 320, 60, 270
    step = (width - 2 * left) / max(1, len(sizes) - 1)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        'font-size="12">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<path d="M{left} 30V{low}H{width - left}" fill="none" stroke="#888"/>',
    ]
    curves = (
        ("p50 of one caller, ms", "#1f5fbf", [each.p50_ms for each in sizes], "{:.2f} ms"),
        ("memory of the process, MB", "#b3471d", [each.memory_bytes / 2**20 for each in sizes], "{:,.0f} MB"),
    )
    for number, (name, colour, values, form) in enumerate(curves):
        places = [
            (left + step * place, low - 220 * value / max(values)) for place, value in enumerate(values)
        ]
        line = " ".join(f"{x:.0f},{y:.0f}" for x, y in places)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for (x, y), value in zip(places, values, strict=True):
            parts.append(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="3" fill="{colour}"/>')
            parts.append(
                f'<text x="{x:.0f}" y="{y - 8 - 14 * number:.0f}" text-anchor="middle" fill="{colour}">'
                f"{form.format(value)}</text>"
            )
        parts.append(f'<text x="{left + 10}" y="{20 + 16 * number}" fill="{colour}">{name}</text>')
    for place, each in enumerate(sizes):
        x = left + step * place
        parts.append(f'<text x="{x:.0f}" y="{low + 20}" text-anchor="middle">{each.points:,} points</text>')
    return "\n".join([*parts, "</svg>", ""])


if __name__ == "__main__":
    main()
