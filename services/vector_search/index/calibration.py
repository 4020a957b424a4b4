"""The effort of a graph's searches, chosen by measuring on the graph's own vectors."""

from collections.abc import Callable, Sequence

import numpy as np

from services.vector_search.domain.graph import Effort
from services.vector_search.domain.vectors import FloatMatrix, Scores, Slots
from services.vector_search.index.hnsw import HnswIndex
from services.vector_search.index.rows import Points

# Efforts that are tried, smallest first.
LADDER = (16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768)
_PROBES = 256
_NEAREST = 10
# Length of the noise that makes a question of a stored unit vector: cosine .62 between the two. On 40,000
# text embeddings such probes were as hard as held-out texts (recall .938, .972, .985, .995 with 16, 32, 48,
# 96; the texts .922, .970, .985, .996). Stored vectors as they are were far too easy (.978, .993, .994 and
# .998): the graph links each of them to its nearest.
_NOISE = 1.25
# Rows that are compared with all probes at once.
_BLOCK = 2048


def choose_effort(
    graph: HnswIndex,
    points: Points,
    target: float,
    stopped: Callable[[], bool],
    ladder: Sequence[int] = LADDER,
) -> Effort | None:
    """
    Return the smallest effort of a ladder that reaches the target on a sample, the last where none does.

    `points` are those of the graph that live. The sample's mean less its standard error must reach the
    target. Reads only, and may overlap with searches. None: stopped, or no points.
    """
    if not len(points.rows):
        return None
    probes = _probes(points)
    truth = _true_slots(points, probes, stopped)
    if truth is None:
        return None
    effort = Effort(ladder[0], 0.0, graph.size, target)
    for ef in ladder:
        if stopped():
            return None
        shares = _shares(graph.slots_near(probes, ef), truth)
        effort = Effort(ef, float(shares.mean()), graph.size, target)
        if effort.recall - float(shares.std()) / len(shares) ** 0.5 >= target:
            break
    return effort


def _probes(points: Points) -> FloatMatrix:
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


def _shares(found: Slots | None, truth: Slots) -> Scores:
    """Return, by probe, the share of the truth that was found among all that was looked at."""
    if found is None:
        return np.zeros(len(truth))
    shares: Scores = (found[:, :, np.newaxis] == truth[:, np.newaxis, :]).any(axis=1).mean(axis=1)
    return shares
