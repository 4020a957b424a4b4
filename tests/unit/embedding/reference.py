"""The network of the bundled model in floating point, from its definition: the oracle of the graph."""

from math import erf

import numpy as np
from numpy.typing import NDArray

from services.embedding.export.weights import Weights

Array = NDArray[np.float64]

_erf = np.vectorize(erf, otypes=[np.float64])


def embed(weights: Weights, ids: NDArray[np.int64]) -> Array:
    """Return the vector of length 1 of one text, given its token ids of shape `(tokens,)`."""

    def tensor(name: str) -> Array:
        return weights[name].astype(np.float64)

    def dense(prefix: str, x: Array) -> Array:
        return x @ tensor(prefix + ".weight").T + tensor(prefix + ".bias")

    def norm(prefix: str, x: Array) -> Array:
        centred = x - x.mean(-1, keepdims=True)
        scaled: Array = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12)
        return scaled * tensor(prefix + ".weight") + tensor(prefix + ".bias")

    def heads(x: Array) -> Array:
        return x.reshape(len(ids), 12, 32).transpose(1, 0, 2)

    words = tensor("embeddings.word_embeddings.weight")[ids]
    positions = tensor("embeddings.position_embeddings.weight")[: len(ids)]
    segment = tensor("embeddings.token_type_embeddings.weight")[0]
    x = norm("embeddings.LayerNorm", words + positions + segment)
    for number in range(6):
        layer = f"encoder.layer.{number}."
        query, key, value = (
            heads(dense(f"{layer}attention.self.{name}", x)) for name in ("query", "key", "value")
        )
        logits = query @ key.transpose(0, 2, 1) / np.sqrt(32)
        shares = np.exp(logits - logits.max(-1, keepdims=True))
        shares /= shares.sum(-1, keepdims=True)
        mixed = (shares @ value).transpose(1, 0, 2).reshape(len(ids), 384)
        x = norm(f"{layer}attention.output.LayerNorm", x + dense(f"{layer}attention.output.dense", mixed))
        inner = dense(f"{layer}intermediate.dense", x)
        inner = inner * 0.5 * (1 + _erf(inner / np.sqrt(2)))
        x = norm(f"{layer}output.LayerNorm", x + dense(f"{layer}output.dense", inner))
    mean: Array = x.mean(0)
    unit: Array = mean / np.linalg.norm(mean)
    return unit
