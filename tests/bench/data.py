"""
The benchmark's data: real text embeddings, held-out questions and the exact answers to them.

20,000 texts, cut to the model's 32 tokens, are embedded once with the bundled model and kept under
`build/bench`; each is followed by four copies with noise (cosine to the original about .89), so that
neighbours crowd as passages of one knowledge base do. More than 100,000 points are made in the same way of
texts and of pairs of texts (the direction between two), since more copies of one text would be a world of
duplicates: 50 of each could not be found by any effort. The questions are 1,000 other texts, which no set
contains.
"""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from tests.bench.texts import checksum, passages

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "bench"

Matrix = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]

_Numbers = TypeVar("_Numbers", int, Ids)

DIMENSIONS = 384
K = 10
TEXTS = 20_000
QUESTIONS = 1_000
_WORD_PIECES = 30  # and a mark at both ends
# Of each vector: itself and others with noise.
_COPIES = 5
_NOISE = 0.5  # length of the noise, the vector itself being 1
_SEED = 20260
_BLOCK = 10_000
# Of the words of a question, as people type them.
_QUESTION_WORDS = 12


@dataclass(frozen=True)
class Data:
    """`points` unit vectors (points, 384) with a text each, and unit questions (1000, 384) with theirs."""

    vectors: Matrix
    questions: Matrix
    words: list[str]
    bases: list[str]
    text_checksum: str

    @property
    def size(self) -> int:
        """Number of points."""
        return len(self.vectors)

    def text(self, point: int) -> str:
        """Return a passage of 30 to 50 words: a point's own text and another's, so that few are alike."""
        own, copy = point % len(self.bases), point // len(self.bases)
        other = _companion(own, copy, len(self.bases))
        return f"{self.bases[own]} {self.bases[other]}"

    @cached_property
    def truth(self) -> Ids:
        """The 10 true nearest points of each question, shape (1000, 10)."""
        return nearest(self.vectors, self.questions)


def prepare(points: int) -> Data:
    """Return a set of that many points; the embeddings are made at the first time and kept."""
    texts = passages(TEXTS + QUESTIONS)
    sign = checksum(texts)
    path = FOLDER / f"embeddings-{sign}.npy"
    if not path.exists():
        _embed(texts, path)
    embedded: Matrix = np.load(path)
    bases = embedded[QUESTIONS:][: max(1, min(TEXTS, points // _COPIES))]
    firsts = origins(bases, max(1, points // _COPIES))
    vectors = np.empty((points, DIMENSIONS), dtype=np.float32)
    random = np.random.default_rng(_SEED)
    for start in range(0, points, len(firsts)):
        part = vectors[start : start + len(firsts)]
        part[:] = firsts[: len(part)]
        if start:
            noise = random.standard_normal(part.shape, dtype=np.float32)
            part += noise * np.float32(_NOISE / np.sqrt(DIMENSIONS))
            part /= np.linalg.norm(part, axis=1, keepdims=True)
    words = [" ".join(text.split()[:_QUESTION_WORDS]) for text in texts[:QUESTIONS]]
    return Data(vectors, embedded[:QUESTIONS], words, texts[QUESTIONS:][: len(bases)], sign)


def origins(bases: Matrix, count: int) -> Matrix:
    """Return so many unit vectors: the texts', then those of two texts each."""
    rounds = [bases]
    own = np.arange(len(bases))
    while len(rounds) * len(bases) < count:
        both = bases + bases[_companion(own, len(rounds), len(bases))]
        rounds.append(both / np.linalg.norm(both, axis=1, keepdims=True))
    return np.concatenate(rounds)[: max(count, len(bases))]


def _companion(own: _Numbers, times: int, count: int) -> _Numbers:
    """Return another one for each, always the same, a different one each time."""
    return (own * 7919 + 104_729 * (times + 1)) % count


def nearest(
    vectors: Matrix, questions: Matrix, kept: Ids | None = None, k: int = K, block: int = _BLOCK
) -> Ids:
    """Return the `k` true nearest of the kept points (all by default) to each question, best first."""
    best = np.empty((len(questions), 0), dtype=np.float32)
    found = np.empty((len(questions), 0), dtype=np.int64)
    size = len(vectors) if kept is None else len(kept)
    for start in range(0, size, block):
        end = min(start + block, size)
        # Slices, not lists of numbers: a million points are not copied.
        rows = vectors[start:end] if kept is None else vectors[kept[start:end]]
        ids = np.arange(start, end) if kept is None else kept[start:end]
        scores = questions @ rows.T
        top = np.argpartition(-scores, min(k, end - start) - 1, axis=1)[:, :k]
        best = np.hstack((best, np.take_along_axis(scores, top, 1)))
        found = np.hstack((found, ids[top]))
        order = np.argsort(-best, axis=1, kind="stable")[:, :k]
        best, found = np.take_along_axis(best, order, 1), np.take_along_axis(found, order, 1)
    return found


def recall(found: list[list[int]], truth: Ids) -> float:
    """Return the share of the true nearest that were found, question by question."""
    hits = sum(
        len(set(each[: truth.shape[1]]) & set(true.tolist())) for each, true in zip(found, truth, strict=True)
    )
    return hits / truth.size


def _embed(texts: list[str], path: Path) -> None:
    # Only here: measuring needs no model.
    from services.embedding.bundled.embedder import BundledEmbedder

    print(f"embedding {len(texts)} texts (once, some minutes)", flush=True)
    model = ROOT / "build" / "models" / "all-minilm-l6-v2-int8"
    embedder = BundledEmbedder(model, threads=os.cpu_count() or 1)
    cut = [text[: (embedder.token_spans(text)[:_WORD_PIECES] or [(0, 0)])[-1][1]] for text in texts]
    vectors = embedder.embed_passages(cut)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part.npy")
    np.save(unfinished, vectors)
    unfinished.replace(path)
