"""What is compared with what: medians of the ratios of measurements that were made close together."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.bench.engine import Speed

Rounds = Mapping[str, Sequence[Speed | None]]
"""By what was measured, as `engine kind`: one speed per round, None where that round has none."""


@dataclass(frozen=True)
class Ratio:
    """The rate of one measurement over that of another; `promised` at recall .95 and .99, where it is."""

    of: str
    to: str
    meaning: str
    promised: tuple[float | None, float | None] = (None, None)


_BEST = "2 processes, 16 callers"
RATIOS = {
    "search_1p_to_hnswlib": Ratio(
        "ours 1p callers",
        "hnswlib single",
        "1 process, 16 callers; hnswlib in process, 1 thread",
        (0.55, 0.7),
    ),
    "search_2p_to_hnswlib": Ratio(
        "ours 2p callers", "hnswlib single", f"{_BEST}; hnswlib in process, 1 thread", (0.9, 1.1)
    ),
    "batch_to_hnswlib": Ratio(
        "ours 2p batch",
        "hnswlib batch",
        "2 processes, 4 callers with batches of 64; hnswlib's batch on all processors",
        (0.85, 0.85),
    ),
    "batch_1p_to_hnswlib": Ratio("ours 1p batch", "hnswlib batch", "the same with 1 process"),
    "to_chroma": Ratio("ours 2p callers", "chroma callers", f"{_BEST}; Chroma, 16 callers", (5, 5)),
    "to_pgvector": Ratio("ours 2p callers", "pgvector callers", f"{_BEST}; pgvector, 16 callers", (2, 2)),
    "to_milvus_lite": Ratio(
        "ours 2p callers", "milvus-lite callers", f"{_BEST}; Milvus Lite, 16 callers", (50, 50)
    ),
    "1p_to_chroma": Ratio("ours 1p callers", "chroma callers", "the same with 1 process"),
    "1p_to_pgvector": Ratio("ours 1p callers", "pgvector callers", "the same with 1 process"),
    "1p_to_milvus_lite": Ratio("ours 1p callers", "milvus-lite callers", "the same with 1 process"),
    "hybrid_to_dense": Ratio(
        "ours 1p hybrid", "ours 1p callers", "1 process, 16 callers; the same by meaning alone", (0.6, 0.6)
    ),
    "search_1p_to_ceiling": Ratio(
        "ours 1p callers", "ceiling 1p callers", "16 callers; grpcio answering at once, 1 process"
    ),
    "search_2p_to_ceiling": Ratio(
        "ours 2p callers", "ceiling 2p callers", "16 callers; grpcio answering at once, 2 processes"
    ),
}
FILTERED = Ratio("", "", "1 process, 16 callers, the slowest filter; the same without one", (0.7, 0.7))


def ratios(rounds: Rounds) -> dict[str, float | None]:
    """Return every ratio of rates; None where one of the two was not measured."""
    return {name: _median_ratio(rounds, each) for name, each in RATIOS.items()}


def p50_over(rounds: Rounds, of: str, to: str) -> float | None:
    """Return by how many milliseconds one median latency exceeds the other; the median of the rounds."""
    differences = [one.p50_ms - other.p50_ms for one, other in _pairs(rounds, of, to)]
    return round(statistics.median(differences), 3) if differences else None


def _median_ratio(rounds: Rounds, ratio: Ratio) -> float | None:
    found = [one.qps / other.qps for one, other in _pairs(rounds, ratio.of, ratio.to) if other.qps]
    return round(statistics.median(found), 3) if found else None


def _pairs(rounds: Rounds, of: str, to: str) -> list[tuple[Speed, Speed]]:
    pairs = zip(rounds.get(of, ()), rounds.get(to, ()), strict=False)
    return [(one, other) for one, other in pairs if one is not None and other is not None]
