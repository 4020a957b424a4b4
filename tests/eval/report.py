"""The figures as a text for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tests.eval.baseline import Difference
from tests.eval.costs import Costs
from tests.eval.figures import LENGTHS, RETRIEVERS, RISKS, Figure, Figures
from tests.eval.run import Loading

Columns = Sequence[tuple[str, str]]
"""The head of a column and the name of its figure."""

_ANSWERS: Columns = [
    ("right", "right"),
    ("gold among sources", "gold page among the sources"),
    ("holds gold", "holds gold"),
    *((f"… set to {most}", f"holds gold, set to {most} characters") for most in LENGTHS),
    ("mean length", "mean length"),
    *((f"≤ {most}", f"at most {most} characters") for most in LENGTHS),
    *((f"mean length, set to {most}", f"mean length, set to {most}") for most in LENGTHS),
    ("citations quote", "every citation quotes its source"),
    ("same again", "the same when asked again"),
    ("errors", "refused with an error"),
]
_ABSTENTION: Columns = [
    ("AUROC", "AUROC"),
    ("answered of answerable", "answered of answerable"),
    ("answered of unanswerable", "answered of unanswerable"),
    ("wrong of answered", "wrong of answered"),
]
_CALIBRATION: Columns = [
    ("ECE", "ECE"),
    ("mean score", "mean score"),
    ("right", "right of all"),
    ("AUROC of right", "AUROC of being right"),
    *((f"coverage ≤ {risk:.0%} wrong", f"coverage with at most {risk:.0%} wrong") for risk in RISKS),
]
_ABOVE = "hybrid above its better half, nDCG@10"


def text(figures: Mapping[str, Figures], loadings: Mapping[str, Loading], costs: Mapping[str, Costs]) -> str:
    """Return all tables, in Markdown; a figure stands with its 95 % interval."""
    tables = [
        _titled("Pages", ["pages", "passages", "refused", "seconds"], _loaded(loadings)),
        _titled("Retrieval, documents by their best passage", _RANKING_HEAD, _ranking(figures)),
        _figures("Answers at `min_confidence: 0`", _ANSWERS, figures),
        _figures("Abstention; answered at the default threshold", _ABSTENTION, figures),
        _figures("Calibration", _CALIBRATION, figures),
        _titled("Costs of a question, one caller: milliseconds", _COSTS_HEAD, _costs(costs)),
        _titled("Medians of the stages, milliseconds", ["stages"], _stages(costs)),
    ]
    return "\n\n".join(each for each in tables if each)


def compared(differences: Sequence[Difference], pairs: int) -> str:
    """Return how `pairs` figures compare to the baseline's, worse ones first."""
    lines = [f"Beside the baseline: {pairs} figures, {sum(each.worse for each in differences)} worse"]
    for each in differences:
        kind = "WORSE " if each.worse else "better"
        lines.append(f"  {kind} {each.case}: {each.name}: {shown(each.before)} → {shown(each.now)}")
    return "\n".join(lines)


def shown(figure: Figure | None) -> str:
    """Return a figure with its interval, unless that is as narrow as what is shown."""
    if figure is None:
        return ""
    value, low, high = (_number(each) for each in (figure.value, figure.low, figure.high))
    return value if value == low == high else f"{value} ({low}–{high})"


_RANKING_HEAD = ["questions", "by", "nDCG@10", "R@10", "hit@1", "above its better half"]
_COSTS_HEAD = [
    "questions",
    "embedding p50, p95",
    "search",
    "query RPC",
    "over HTTP",
    "RPC p50 − embedding − search",
    "processor: embedding",
    "RPC, all processes",
    "to embedding",
    "HTTP, all processes",
    "processor of idling, ms/s",
]


def _loaded(loadings: Mapping[str, Loading]) -> Iterator[list[str]]:
    for case, each in loadings.items():
        refused = ", ".join(f"{failure.page} {failure.code}" for failure in each.failures[:3])
        more = f"{len(each.failures)}" + (f" ({refused}, …)" if refused else "")
        yield [case, f"{each.pages:,}", f"{each.chunks:,}", more, f"{each.seconds:.0f}"]


def _ranking(figures: Mapping[str, Figures]) -> Iterator[list[str]]:
    for case, named in figures.items():
        if "hybrid nDCG@10" not in named:
            continue
        for by in RETRIEVERS:
            cells = [shown(named[f"{by} {what}"]) for what in ("nDCG@10", "R@10", "hit@1")]
            above = shown(named[_ABOVE]) if by == "hybrid" else ""
            yield [case, str(named[f"{by} nDCG@10"].count), by, *cells, above]


def _figures(title: str, columns: Columns, figures: Mapping[str, Figures]) -> str:
    rows = {
        case: [named.get(name) for _, name in columns]
        for case, named in figures.items()
        if any(name in named for _, name in columns)
    }
    used = [number for number in range(len(columns)) if any(cells[number] for cells in rows.values())]
    head = ["questions", *(columns[number][0] for number in used)]
    return _titled(
        title,
        head,
        (
            [case, str(max(each.count for each in cells if each)), *(shown(cells[number]) for number in used)]
            for case, cells in rows.items()
        ),
    )


def _costs(costs: Mapping[str, Costs]) -> Iterator[list[str]]:
    for case, each in costs.items():
        embedding, search, query, http = (
            each.kinds[kind] for kind in ("embedding", "search", "query", "http")
        )
        times = [f"{kind.p50:.2f}, {kind.p95:.2f}" for kind in (embedding, search, query, http)]
        yield [
            case,
            str(each.questions),
            *times,
            f"{query.p50 - embedding.p50 - search.p50:.2f}",
            f"{embedding.cpu:.2f}",
            f"{query.cpu:.2f}",
            f"{query.cpu / embedding.cpu:.2f}" if embedding.cpu else "",
            f"{http.cpu:.2f}",
            f"{1000 * each.idle:.0f}",
        ]


def _stages(costs: Mapping[str, Costs]) -> Iterator[list[str]]:
    for case, each in costs.items():
        if each.stages:
            yield [case, ", ".join(f"{name} {value:.2f}" for name, value in each.stages.items())]


def _titled(title: str, head: Sequence[str], rows: Iterator[list[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if not lines:
        return ""
    return "\n".join([f"**{title}**", f"| | {' | '.join(head)} |", "|---" * (len(head) + 1) + "|", *lines])


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 10 else f"{value:.3f}"
