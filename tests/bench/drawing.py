"""The figure of growth: latency and memory over the number of points, all on logarithmic scales."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.panel import BLUE, LEFTS, RED, Panel, svg

# What is promised: latency grows by no more than this from the first size to the last, memory stays below
# so many times what vectors and links take.
MOST_GROWTH = 2.5
MOST_MEMORY = 1.6


@dataclass(frozen=True)
class Size:
    """What one number of points took; `bytes_least`: vectors once, and the graph's links."""

    points: int
    ef: int
    recall: float
    p50_ms: float
    p99_ms: float
    memory_bytes: int
    anonymous_bytes: int
    bytes_least: int
    searchable_per_second: float
    merged_per_second: float
    start_seconds: float


def drawing(sizes: Sequence[Size]) -> str:
    """Return an SVG with two panels; both draw what is promised as a broken line."""
    points = [each.points for each in sizes]
    latencies = [each.p50_ms for each in sizes]
    megabytes = [each.memory_bytes / 1e6 for each in sizes]
    least = [each.bytes_least / 1e6 for each in sizes]
    parts: list[str] = []
    slowest = [latencies[0] * MOST_GROWTH] * len(sizes)
    latency = Panel(LEFTS[0], points, [*latencies, *slowest], lambda ms: f"{ms:g} ms")
    parts += latency.frame("p50 of one caller, recall ≥ .95", BLUE)
    parts += latency.curve(latencies, BLUE, lambda ms: f"{ms:.2f} ms", under=slowest)
    parts += latency.promise(slowest, f"{MOST_GROWTH:g} × the first", over=latencies)
    most = [each * MOST_MEMORY for each in least]
    memory = Panel(LEFTS[1], points, [*megabytes, *least, *most], _memory_shown)
    parts += memory.frame("memory of the process", RED)
    parts += memory.curve(megabytes, RED, _memory_shown, under=most)
    parts += memory.promise(most, f"{MOST_MEMORY:g} × (vectors + links)", over=megabytes)
    return svg(parts)


def _memory_shown(megabytes: float) -> str:
    return f"{megabytes / 1000:.3g} GB" if megabytes >= 1000 else f"{megabytes:.3g} MB"
