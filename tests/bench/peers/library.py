"""
Runs one vector library in a process of its own: `python -m tests.bench.peers.library NAME POINTS QUESTIONS`.

POINTS and QUESTIONS are .npy files of unit vectors. Reads one JSON command per line, answers with one line:
build → {"seconds"}; ef → {}; found → {"ids"}; single and batch, with "seconds" → {"qps", "p50_ms", "p99_ms"}.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]

_M, _EF_CONSTRUCTION, _K = 16, 200, 10
_THREADS = os.cpu_count() or 1


class Library(Protocol):
    """An index over rows 0, 1, … by inner product."""

    def build(self, vectors: Matrix) -> None:
        """Take all vectors in, with all processors."""

    def set_ef(self, ef: int) -> None:
        """Set the effort of a search."""

    def search(self, questions: Matrix, threads: int) -> npt.NDArray[Any]:
        """Return the rows nearest to each question, shape (questions, 10)."""


class Hnswlib:
    """As the service has it."""

    def build(self, vectors: Matrix) -> None:
        """Take all vectors in."""
        self._index = import_module("hnswlib").Index(space="ip", dim=vectors.shape[1])
        self._index.init_index(max_elements=len(vectors), M=_M, ef_construction=_EF_CONSTRUCTION)
        self._index.add_items(vectors, np.arange(len(vectors)), num_threads=_THREADS)

    def set_ef(self, ef: int) -> None:
        """Set the effort of a search."""
        self._index.set_ef(ef)

    def search(self, questions: Matrix, threads: int) -> npt.NDArray[Any]:
        """Return the nearest rows."""
        labels, _ = self._index.knn_query(questions, k=_K, num_threads=threads)
        return np.asarray(labels)


class Faiss:
    """IndexHNSWFlat."""

    def build(self, vectors: Matrix) -> None:
        """Take all vectors in."""
        self._faiss = import_module("faiss")
        self._faiss.omp_set_num_threads(_THREADS)
        self._index = self._faiss.IndexHNSWFlat(vectors.shape[1], _M, self._faiss.METRIC_INNER_PRODUCT)
        self._index.hnsw.efConstruction = _EF_CONSTRUCTION
        self._index.add(vectors)

    def set_ef(self, ef: int) -> None:
        """Set the effort of a search."""
        self._index.hnsw.efSearch = ef

    def search(self, questions: Matrix, threads: int) -> npt.NDArray[Any]:
        """Return the nearest rows."""
        self._faiss.omp_set_num_threads(threads)
        _, labels = self._index.search(questions, _K)
        return np.asarray(labels)


class Usearch:
    """With half-precision vectors, its way to speed."""

    def build(self, vectors: Matrix) -> None:
        """Take all vectors in."""
        self._index = import_module("usearch.index").Index(
            ndim=vectors.shape[1],
            metric="ip",
            dtype="f16",
            connectivity=_M,
            expansion_add=_EF_CONSTRUCTION,
        )
        self._index.add(np.arange(len(vectors)), vectors, threads=_THREADS)

    def set_ef(self, ef: int) -> None:
        """Set the effort of a search."""
        self._index.expansion_search = ef

    def search(self, questions: Matrix, threads: int) -> npt.NDArray[Any]:
        """Return the nearest rows."""
        found = self._index.search(questions if len(questions) > 1 else questions[0], _K, threads=threads)
        return np.asarray(found.keys).reshape(len(questions), -1)


_LIBRARIES: dict[str, Callable[[], Library]] = {"hnswlib": Hnswlib, "faiss": Faiss, "usearch": Usearch}


def main() -> None:
    """Obey until the end of the input."""
    name, points, queries = sys.argv[1:]
    library, questions = _LIBRARIES[name](), np.load(Path(queries))
    for line in sys.stdin:
        command = json.loads(line)
        print(json.dumps(_obey(command, library, points, questions)), flush=True)


def _obey(command: dict[str, Any], library: Library, points: str, questions: Matrix) -> dict[str, Any]:
    match command["do"]:
        case "build":
            vectors = np.load(Path(points))
            began = time.perf_counter()
            library.build(vectors)
            return {"seconds": time.perf_counter() - began}
        case "ef":
            library.set_ef(command["ef"])
            return {}
        case "found":
            return {"ids": library.search(questions, _THREADS).astype(int).tolist()}
        case "single":
            return _timed(library, [questions[n : n + 1] for n in range(len(questions))], 1, command)
        case "batch":
            return _timed(library, [questions], _THREADS, command)
    raise ValueError(command)


def _timed(library: Library, parts: list[Matrix], threads: int, command: dict[str, Any]) -> dict[str, Any]:
    taken: list[float] = []
    began = end = time.perf_counter()
    while end - began < command["seconds"]:
        start = end
        library.search(parts[len(taken) % len(parts)], threads)
        end = time.perf_counter()
        taken.append(end - start)
    taken.sort()
    return {
        "qps": len(taken) * len(parts[0]) / (end - began),
        "p50_ms": taken[len(taken) // 2] * 1e3,
        "p99_ms": taken[len(taken) * 99 // 100] * 1e3,
    }


if __name__ == "__main__":
    main()
