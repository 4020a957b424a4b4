"""All figures of the knowledge benchmark in Markdown, what is wanted beside what was reached."""

from collections.abc import Iterator, Mapping, Sequence

from tests.bench.knowledge.asking import Latency
from tests.bench.knowledge.effect import Effect, percentiles
from tests.bench.knowledge.fairness import Fairness
from tests.bench.knowledge.figure import LEAST_RATIO
from tests.bench.knowledge.reindexing import Reindexing
from tests.bench.knowledge.throughput import Size

MOST_SLOWDOWN = 3.0
MOST_BATCHES = 2
MOST_VISIBLE_MS = 1000


def throughput(sizes: Sequence[Size]) -> Iterator[str]:
    """Yield what each size took."""
    yield f"| chunks | searchable, chunks/s | the model alone | ratio (goal: ≥ {LEAST_RATIO:.2f}) |"
    yield "|---|---|---|---|"
    for each in sizes:
        yield f"| {each.chunks:,} | {each.rate:.1f} | {each.bare_rate:.1f} | {each.ratio:.2f} |"
    if sizes:
        yield ""
        yield f"The ratio at the last size to that at the first: {sizes[-1].ratio / sizes[0].ratio:.2f}."


def searching(idle: Latency, busy: Latency, chunks: int) -> Iterator[str]:
    """Yield what searches took while chunks were indexed."""
    yield "| searches, 10/s | answers | failed | p50 ms | p99 ms | longest gap ms |"
    yield "|---|---|---|---|---|---|"
    for name, each in (("idle", idle), (f"while {chunks:,} chunks are indexed", busy)):
        yield _latency(name, each)
    yield ""
    yield f"p99 to idle: {busy.p99_ms / idle.p99_ms:.2f} (goal: ≤ {MOST_SLOWDOWN:g})."


def fairness(found: Fairness) -> Iterator[str]:
    """Yield how long a single document waited."""
    yield (
        f"One document beside another workspace's {found.pushed:,}: {found.overtaken} of theirs came before "
        f"it, {found.batches:.1f} batches (goal: ≤ {MOST_BATCHES}); searchable after {found.seconds:.2f} s."
    )


def effect(found: Effect) -> Iterator[str]:
    """Yield how soon searches saw changes."""
    yield f"| until searches see it (goal: ≤ {MOST_VISIBLE_MS} ms) | p50 ms | p99 ms |"
    yield "|---|---|---|"
    rows: Mapping[str, Sequence[float]] = {
        "`active`": found.active_ms,
        "`tags`": found.tags_ms,
        "`audience`": found.audience_ms,
        "deletion: no search finds it": found.deletion_ms,
        "deletion: the operation succeeded, with its receipt": found.receipt_ms,
    }
    for name, milliseconds in rows.items():
        p50, p99 = percentiles(milliseconds)
        yield f"| {name} | {p50:.0f} | {p99:.0f} |"
    yield ""
    yield f"Chunks embedded for the changes: {found.embedded} (goal: 0)."


def reindexing(idle: Latency, found: Sequence[Reindexing]) -> Iterator[str]:
    """Yield what questions saw of re-indexes."""
    yield "| exact searches, 10/s | answers | failed | p50 ms | p99 ms | longest gap ms |"
    yield "|---|---|---|---|---|---|"
    yield _latency("idle", idle)
    for each in found:
        yield _latency(f"{each.kind}, {each.seconds:.0f} s", each.latency)
    yield ""
    for each in found:
        yield (
            f"{each.kind}: {each.old} answers from the old generation, {each.new} from the new, "
            f"{each.mixed} from neither or both, {each.late} from the old after the new (goals: 0 and 0). "
            f"Two replicas asked directly: {each.replicas.answers} answers, {each.replicas.failed} failed, "
            f"{each.replicas.late} from the old after any of the new, {each.replicas.other} from a third."
        )


def _latency(name: str, each: Latency) -> str:
    cells = (
        name,
        each.answers,
        each.failed,
        f"{each.p50_ms:.1f}",
        f"{each.p99_ms:.1f}",
        f"{each.longest_gap_ms:.0f}",
    )
    return f"| {' | '.join(str(cell) for cell in cells)} |"
