"""Vectors of units: a byte per dimension, and what they are made from."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from services.knowledge.domain.chunk_vectors import ChunkVectors, texts
from services.knowledge.domain.chunking.passage import Chunk, Passage, PassageKind, chunks
from services.knowledge.domain.document import DocumentId
from services.knowledge.domain.units.vectors import quantised

VECTORS = arrays.arrays(np.float32, 64, elements=st.integers(-1000, 1000).map(lambda n: n / 1000))


def chunk(passage: Passage, room: int = 100) -> Chunk:
    (only,) = chunks(DocumentId("doc_1"), "Title", [passage], room)
    return only


@given(VECTORS)
def test_quantised_vectors_point_the_same_way(vector: np.ndarray) -> None:
    """Each component is within half a step of what it was; the largest one fills the byte."""
    bytes_ = quantised(vector)
    assert bytes_.dtype == np.int8
    largest = np.abs(vector).max()
    if largest == 0:
        assert not bytes_.any()
        return
    assert np.abs(bytes_).max() == 127
    assert np.abs(bytes_ * (largest / 127) - vector).max() <= largest / 254 * 1.001


def test_quantised_as_written_down() -> None:
    """round(v / max|v| * 127), a scale for each vector."""
    assert quantised(np.array([0.5, -0.25, 0.1], dtype=np.float32)).tolist() == [127, -64, 25]
    assert quantised(np.array([-0.02, 0.01], dtype=np.float32)).tolist() == [-127, 64]


def test_units_are_embedded_under_their_headings() -> None:
    """A sentence alone says little: title, headings and the passage's own heading go before it."""
    passage = Passage(("Billing",), "One. Two.\n\n### Refunds\n\n- Three.", 9)
    assert list(texts(chunk(passage))) == [
        "Title\nBilling\nOne. Two.\n\n### Refunds\n\n- Three.",
        "Title\nBilling\nOne.",
        "Title\nBilling\nTwo.",
        "Title\nBilling > Refunds\nThree.",
    ]


def test_answers_are_found_by_their_question_alone() -> None:
    """What is compared with a question is the question; the sentences of the answer stand under it."""
    passage = Passage(("Can I leave?",), "Yes. Any time.", 4, PassageKind.ANSWER)
    assert list(texts(chunk(passage))) == [
        "Can I leave?",
        "Title\nCan I leave?\nYes.",
        "Title\nCan I leave?\nAny time.",
    ]


def test_answer_and_passage_of_the_same_words_are_two() -> None:
    """Their vectors differ, so their ids do."""
    kinds = [Passage(("Q?",), "A.", 1, kind) for kind in PassageKind]
    assert len({chunk(each).id for each in kinds}) == 2


def test_ids_of_passages_are_those_of_before() -> None:
    """That passages have units changes none of their ids: a deployment embeds nothing that is not touched."""
    assert chunk(Passage(("H",), "Text.", 1)).id == "chk_asa9ek7irbl3scqk3ocboit8pjcgvluh"


def test_units_beyond_the_limit_are_left_out() -> None:
    """A passage that brings a document over its limit has no units, and another id than with them."""
    row = [Passage((), text, 1) for text in ("One. Two.", "Three. Four.", "Five.")]
    full, short = (chunks(DocumentId("doc_1"), "T", row, room) for room in (5, 3))
    assert [len(each.units) for each in full] == [2, 2, 1]
    assert [len(each.units) for each in short] == [2, 0, 1]
    assert [one.id == other.id for one, other in zip(full, short, strict=True)] == [True, False, True]


def test_vectors_are_taken_in_the_order_of_the_texts() -> None:
    """The first is the chunk's own as float32, the others are its units', a byte per dimension."""
    vectors = ChunkVectors()
    for row in np.eye(3, dtype=np.float32):
        vectors.take(row)
    assert vectors.own == np.array([1, 0, 0], dtype="<f4").tobytes()
    assert list(vectors.units) == [0, 127, 0, 0, 0, 127]


@pytest.mark.parametrize("dimensions", [8, 384])
def test_bytes_count_everything(dimensions: int) -> None:
    """What a chunk takes has its texts, headings, vector and the units with their vectors in it."""
    one = chunk(Passage(("Übung",), "## Teil\n\nEins. Zwei.", 4))
    texts_and_headings = len("Übung".encode()) + len(one.passage.text) + 2 * len("Teil")
    assert one.bytes(dimensions) - texts_and_headings - 4 * dimensions - 2 * dimensions in range(1, 100)
