"""The bundled model, run by ONNX Runtime on the processor."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime

from services.embedding.bundled.artefact import GRAPH, TOKENIZER, read_manifest
from services.embedding.bundled.tokens import Tokens
from services.embedding.domain.embedder import Matrix, ModelName, Span, Vector


class BundledEmbedder:
    """
    Embeds without a network.

    Every text is a run of its own on one thread, several texts side by side on several threads: the int8
    arithmetic takes its scales from everything in a run, so that a text in a batch would get a vector that
    depends on its neighbours and on its padding. Batches are not faster either.
    """

    def __init__(self, folder: Path, *, threads: int) -> None:
        """
        Load the model; once per process.

        Raises:
            ModelDamaged: `folder` does not hold the whole model.
        """
        manifest = read_manifest(folder)
        self.model = ModelName(manifest.model)
        self.dimensions = manifest.dimensions
        self.max_tokens = manifest.positions - 2  # the marks at both ends
        self._tokens = Tokens(folder / TOKENIZER, self.max_tokens)
        self._session = _open_session(folder / GRAPH)
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="embedding")

    def embed_query(self, text: str) -> Vector:
        """Return the vector of a question; runs on the caller's own thread, ahead of waiting passages."""
        return self._run(text)

    def embed_passages(self, texts: Sequence[str]) -> Matrix:
        """Return the vectors of `texts`, as many at a time as there are threads."""
        vectors = np.empty((len(texts), self.dimensions), dtype=np.float32)
        for row, vector in enumerate(self._pool.map(self._run, texts)):
            vectors[row] = vector
        return vectors

    def token_spans(self, text: str) -> list[Span]:
        """Return the span of every word piece."""
        return self._tokens.spans(text)

    def count_tokens(self, text: str) -> int:
        """Return the number of word pieces."""
        return len(self._tokens.spans(text))

    def _run(self, text: str) -> Vector:
        (vectors,) = self._session.run(None, {"input_ids": self._tokens.ids(text)})
        vector: Vector = vectors[0]
        return vector


def _open_session(graph: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # A longest text once would otherwise keep its peak of memory for the life of the process.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    return onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
