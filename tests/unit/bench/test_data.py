"""What the benchmark's points are made of."""

import numpy as np

from tests.bench.data import origins


def test_more_origins_than_texts_are_pairs_of_texts() -> None:
    """The texts come first; then directions between two, of length 1, and few twice."""
    texts = np.random.default_rng(1).standard_normal((1000, 16), dtype=np.float32)
    texts /= np.linalg.norm(texts, axis=1, keepdims=True)
    made = origins(texts, 3000)
    assert made.shape == (3000, 16)
    assert np.array_equal(made[:1000], texts)
    assert np.allclose(np.linalg.norm(made, axis=1), 1, atol=1e-6)
    assert len(np.unique(made.round(5), axis=0)) > 2900
    assert np.array_equal(origins(texts, 1000), texts)
