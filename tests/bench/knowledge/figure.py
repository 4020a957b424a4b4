"""The figure of throughput: chunks per second over what the knowledge base holds, and the ratio."""

from collections.abc import Sequence

from tests.bench.knowledge.throughput import Size
from tests.bench.panel import BLUE, GREY, LEFTS, RED, Panel, svg

# Of the bare model's speed.
LEAST_RATIO = 0.80


def figure(sizes: Sequence[Size]) -> str:
    """Return an SVG with two panels; the second draws what is promised as a broken line."""
    chunks = [each.chunks for each in sizes]
    rates, bare = [each.rate for each in sizes], [each.bare_rate for each in sizes]
    ratios = [each.ratio for each in sizes]
    least = [LEAST_RATIO] * len(sizes)
    speed = Panel(LEFTS[0], chunks, [*rates, *bare], lambda rate: f"{rate:.3g}/s", "chunks")
    parts = list(speed.frame("documents to searchable, chunks per second", BLUE))
    parts += speed.curve(bare, GREY, lambda rate: f"{rate:.1f}/s", under=rates)
    parts += speed.curve(rates, BLUE, lambda rate: f"{rate:.1f}/s", under=bare)
    share = Panel(LEFTS[1], chunks, [*ratios, *least, 1.0], lambda ratio: f"{ratio:.2g}", "chunks")
    parts += share.frame("of the bare model's", RED)
    parts += share.curve(ratios, RED, lambda ratio: f"{ratio:.2f}", under=least)
    parts += share.promise(least, f"at least {LEAST_RATIO:g}", over=ratios)
    return svg(parts)
