"""The effort of a graph's searches, chosen by measuring."""

from collections.abc import Callable, Sequence

import numpy as np

from services.vector_search.domain.graph import Effort
from services.vector_search.domain.vectors import FloatMatrix, Scores, Slots
from services.vector_search.index.hnsw import HnswIndex
from services.vector_search.index.rows import Points

# Efforts that are tried, smallest first.
LADDER = (16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 128, 160, 192, 256, 384, 512, 768)
_PROBES = 256
_NEAREST = 10
# Length of the noise that makes a question of a stored unit vector: cosine .53 between the two. The recall of
# questions that no point was made from, and of such probes, with efforts 16, 24, 32, 48, 64 and 96:
#   11,000 help pages and articles, people's questions  .907 .945 .966 .983 .989 .996
#     probes                                             .923 .953 .969 .986 .991 .994
#   20,000 texts, other texts as questions               .926 .959 .973 .987 .993 .998
#     probes                                             .914 .946 .962 .978 .987 .992
#   100,000 (the 20,000 and noised copies of them)       .886 .923 .952 .970 .981 .991
#     probes                                             .886 .931 .955 .970 .979 .989
# Noise of 1.25 was too easy (.965 at effort 24 of the 100,000), mixes of stored vectors far too hard (.675).
_NOISE = 1.6
# How many standard errors the sample's mean must lie above the target. With one, an effort that was chosen by
# half of people's questions for .99 fell short on all of them in one of ten trials, with two in one of 30; by
# probes it reached .9, .95 and .99 on all three collections.
_ERRORS = 2
# Rows that are compared with all probes at once.
_BLOCK = 2048
# Probes that are asked between two looks at whether to stop.
_STEP = 32


def choose_effort(
    graph: HnswIndex,
    points: Points,
    target: float,
    stopped: Callable[[], bool],
    ladder: Sequence[int] = LADDER,
    asked: FloatMatrix | None = None,
) -> Effort | None:
    """
    Return the smallest effort of a ladder that reaches the target on a sample, the last where none does.

    `points` are those of the graph that live. The sample is what was `asked`, shape (questions, dimensions),
    or made of the points. Its mean must reach the target safely. Reads only, and may overlap with searches.
    None: stopped, or no points.
    """
    if not len(points.rows):
        return None
    probes = _made(points) if asked is None else asked
    truth = _true_slots(points, probes, stopped)
    if truth is None:
        return None
    effort = Effort(ladder[0], 0.0, graph.size, target)
    for ef in ladder:
        shares = _shares(graph, probes, ef, truth, stopped)
        if shares is None:
            return None
        effort = Effort(ef, float(shares.mean()), graph.size, target)
        if effort.recall - _ERRORS * float(shares.std()) / len(shares) ** 0.5 >= target:
            break
    return effort


def _made(points: Points) -> FloatMatrix:
    random = np.random.default_rng(len(points.rows))
    sample = random.choice(points.rows, min(_PROBES, len(points.rows)), replace=False)
    noise = random.standard_normal((len(sample), points.vectors.shape[1]), dtype=np.float32)
    noise *= _NOISE / np.linalg.norm(noise, axis=1, keepdims=True)
    noised = points.vectors[sample] + noise
    probes: FloatMatrix = noised / np.linalg.norm(noised, axis=1, keepdims=True)
    return probes


def _true_slots(points: Points, probes: FloatMatrix, stopped: Callable[[], bool]) -> Slots | None:
    """Return the slots of the nearest points of each probe, shape (probes, 10 or all)."""
    kept = min(_NEAREST, len(points.rows))
    slots = np.empty((len(probes), 0), dtype=np.int64)
    scores = np.empty((len(probes), 0), dtype=np.float32)
    for start in range(0, len(points.rows), _BLOCK):
        if stopped():
            return None
        block = slice(start, start + _BLOCK)
        products = probes @ points.vectors[points.rows[block]].T
        scores = np.concatenate((scores, products), axis=1)
        slots = np.concatenate((slots, np.broadcast_to(points.slots[block], products.shape)), axis=1)
        best = np.argpartition(-scores, kept - 1, axis=1)[:, :kept]
        scores = np.take_along_axis(scores, best, axis=1)
        slots = np.take_along_axis(slots, best, axis=1)
    return slots


def _shares(
    graph: HnswIndex, probes: FloatMatrix, ef: int, truth: Slots, stopped: Callable[[], bool]
) -> Scores | None:
    """Return, by probe, the share of the truth that was found among all that was looked at."""
    shares = np.zeros(len(truth))
    for start in range(0, len(truth), _STEP):
        if stopped():
            return None
        step = slice(start, start + _STEP)
        found = graph.slots_near(probes[step], ef)
        if found is not None:
            same = found[:, :, np.newaxis] == truth[step, np.newaxis, :]
            shares[step] = same.any(axis=1).mean(axis=1)
    return shares
