"""What may be asked, what a filter allows, how two scores become one."""

import numpy as np
import pytest

from services.kernel.errors import InvalidArgument
from services.vector_search.domain.filters import Filter, locale_fits
from services.vector_search.domain.fusion import FusionWeights, fuse, shown
from services.vector_search.domain.search import MAX_TEXT_CHARACTERS, SearchQuery
from tests.fakes.vector_search_data import a_document, a_vector

GOOD = a_vector(1).tobytes()


@pytest.mark.parametrize(
    ("pointer", "changes"),
    [
        ("/vector", {"vector": GOOD[:-1]}),
        ("/vector", {"vector": np.array([1.0, np.nan], dtype="<f4").tobytes()}),
        ("/vector", {"vector": np.array([1.0, np.inf], dtype="<f4").tobytes()}),
        ("/vector", {"vector": np.array([-np.inf, 1.0], dtype="<f4").tobytes()}),
        ("/vector", {"vector": np.zeros(8, dtype="<f4").tobytes()}),
        ("/vector", {"vector": np.full(8, 1e-30, dtype="<f4").tobytes()}),
        ("/limit", {"limit": 0}),
        ("/limit", {"limit": -1}),
        ("/limit", {"limit": 201}),
        ("/text", {"vector": b"", "text": ""}),
        ("/text", {"vector": b"", "text": " \n\t"}),
        ("/text", {"text": "a" * (MAX_TEXT_CHARACTERS + 1)}),
        ("/min_revision", {"min_revision": -1}),
    ],
)
def test_malformed_questions_are_refused(pointer: str, changes: dict[str, object]) -> None:
    """Each broken rule is named by its place."""
    good: dict[str, object] = {"vector": GOOD, "text": "refund", "limit": 5, "min_revision": 0}
    with pytest.raises(InvalidArgument) as raised:
        SearchQuery.of(**{**good, **changes})  # type: ignore[arg-type]
    assert [each.pointer for each in raised.value.violations] == [pointer]


def test_all_violations_are_listed() -> None:
    """Somebody who mends a request sees everything at once."""
    with pytest.raises(InvalidArgument) as raised:
        SearchQuery.of(vector=b"abc", text="", limit=0, min_revision=-1)
    assert [each.pointer for each in raised.value.violations] == ["/vector", "/limit", "/min_revision"]


def test_vectors_are_scaled_to_length_one() -> None:
    """A vector of another length asks the same question."""
    long = (a_vector(1).astype(np.float64) * 1e20).astype("<f4")
    query = SearchQuery.of(vector=long.tobytes(), text="", limit=1)
    assert query.vector is not None
    assert np.allclose(query.vector, a_vector(1), atol=1e-6)


def test_another_length_is_refused() -> None:
    """A vector of another model's length can't be compared."""
    with pytest.raises(InvalidArgument):
        SearchQuery.of(vector=GOOD, text="", limit=1).require_dimensions(9)


@pytest.mark.parametrize(
    ("wanted", "locale", "fits"),
    [
        ("", "de", True),
        ("en", "", True),
        ("en", "en", True),
        ("en", "en-GB", True),
        ("EN-gb", "en-GB", True),
        ("en-GB", "en", False),
        ("en-GB", "en-US", False),
        ("en", "eng", False),
        ("en", "de", False),
    ],
)
def test_locales_are_ranges(wanted: str, locale: str, fits: bool) -> None:
    """A locale finds itself and what is narrower."""
    assert locale_fits(wanted, locale) is fits


@pytest.mark.parametrize(
    ("wanted", "changes", "matches"),
    [
        (Filter(), {}, True),
        (Filter(), {"active": False}, False),
        (Filter(), {"authenticated": True}, False),
        (Filter(include_authenticated=True), {"authenticated": True}, True),
        (Filter(any_tags=frozenset({"a", "b"})), {"tags": ("b", "c")}, True),
        (Filter(any_tags=frozenset({"a"})), {"tags": ()}, False),
        (Filter(all_tags=frozenset({"a", "b"})), {"tags": ("b", "a", "c")}, True),
        (Filter(all_tags=frozenset({"a", "b"})), {"tags": ("b", "c")}, False),
        (Filter(all_tags=frozenset({"a"}), any_tags=frozenset({"b"})), {"tags": ("a",)}, False),
        (Filter(document_ids=frozenset({"doc_x"})), {}, True),
        (Filter(document_ids=frozenset({"doc_y"})), {}, False),
        (Filter(any_tags=frozenset({"a"}), locale="de"), {"tags": ("a",), "locale": "en"}, False),
        (Filter(include_authenticated=True), {"authenticated": True, "active": False}, False),
    ],
)
def test_all_conditions_hold_at_once(wanted: Filter, changes: dict[str, object], matches: bool) -> None:
    """A document must fit every part of a filter."""
    assert wanted.matches(a_document("x", **changes)) is matches


def test_fusion_is_the_weighted_mean() -> None:
    """Cosines count as they are, BM25 in proportion to the best."""
    fused = fuse(np.array([0.5, 0.2]), np.array([3.0, 12.0]), FusionWeights(0.7, 0.3))
    assert np.allclose(fused, [0.7 * 0.5 + 0.3 * 0.25, 0.7 * 0.2 + 0.3])


def test_weights_need_not_sum_to_one() -> None:
    """Only their proportion matters, so that a score is never above 1."""
    assert np.allclose(fuse(np.array([1.0]), np.array([9.0]), FusionWeights(7, 3)), [1.0])


def test_one_side_alone_counts_fully() -> None:
    """Without words or without a vector the other is the whole score."""
    weights = FusionWeights()
    assert np.allclose(fuse(np.array([0.8]), None, weights), [0.8])
    assert np.allclose(fuse(None, np.array([4.0, 2.0]), weights), [1.0, 0.5])


def test_no_shared_word_scores_nothing() -> None:
    """Where no passage shares a word, nothing is divided by zero."""
    assert np.allclose(fuse(np.array([0.5]), np.array([0.0]), FusionWeights(0.5, 0.5)), [0.25])


@pytest.mark.parametrize(("fused", "seen"), [(-0.4, 0.0), (0.3, 0.3), (1.0000001, 1.0)])
def test_shown_scores_are_between_zero_and_one(fused: float, seen: float) -> None:
    """Callers never see a negative score."""
    assert shown(fused) == seen


@pytest.mark.parametrize(("dense", "lexical"), [(-0.1, 1.0), (1.0, -0.1), (0.0, 0.0)])
def test_senseless_weights_are_refused(dense: float, lexical: float) -> None:
    """Weights are not negative and not both zero."""
    with pytest.raises(ValueError, match="weights"):
        FusionWeights(dense, lexical)
