"""A workspace's settings, and changes of them."""

import math

import pytest

from services.kernel.errors import InvalidArgument
from services.query.domain.retrieval.reranking import RerankModel
from services.query.domain.settings.answering import Answering, Change
from services.query.domain.settings.language_model import LanguageModel

MODEL = LanguageModel("http://127.0.0.1:8000/v1", "smol", key="sk-secret", retries=3)
WITH_MODEL = Answering(language_model=MODEL)


def pointers(change: Change, before: Answering = Answering()) -> list[str]:  # noqa: B008
    """Return where a refused change is wrong."""
    with pytest.raises(InvalidArgument) as raised:
        change.applied_to(before)
    return [each.pointer for each in raised.value.violations]


def test_the_defaults_break_no_rule() -> None:
    """A workspace that never set anything can be asked."""
    assert list(Answering().violations()) == []
    assert Change().applied_to(Answering()) == Answering()


def test_all_that_is_wrong_is_told_at_once() -> None:
    """Of every field, of the endpoints too."""
    wrong = Answering(
        answer_characters=99,
        min_confidence=1.01,
        wanted_precision=1,
        medium_from=0.7,
        high_from=0.7,
        language_model=LanguageModel("ftp://x", "m"),
        reranker=RerankModel("http://x", ""),
    )
    assert [each.pointer for each in wrong.violations()] == [
        "/answer_characters",
        "/min_confidence",
        "/wanted_precision",
        "/medium_from",
        "/language_model/base_url",
        "/reranker/model",
    ]


@pytest.mark.parametrize(
    "given",
    [
        {"answer_characters": 100},
        {"answer_characters": 2000},
        {"min_confidence": 0.0},
        {"min_confidence": 1.0},
        {"wanted_precision": 0.5},
        {"wanted_precision": 0.999},
        {"high_from": 1.0},
    ],
)
def test_bounds_are_included(given: dict[str, float]) -> None:
    """The documented extremes are taken."""
    (name,) = given
    assert getattr(Change(given).applied_to(Answering()), name) == given[name]


@pytest.mark.parametrize(
    "given",
    [
        {"answer_characters": 2001},
        {"min_confidence": math.nan},
        {"wanted_precision": 0.49},
        {"medium_from": 0.0},
        {"high_from": 1.1},
        {"medium_from": math.nan},
    ],
)
def test_what_is_outside_is_refused(given: dict[str, float]) -> None:
    """No number is no number either."""
    assert pointers(Change(given)) == [f"/{next(iter(given))}"]


def test_the_two_bounds_replace_each_other() -> None:
    """A confidence and a precision never apply both."""
    precise = Change({"wanted_precision": 0.95}).applied_to(Answering(min_confidence=0.3))
    assert (precise.min_confidence, precise.wanted_precision) == (None, 0.95)
    bounded = Change({"min_confidence": 0.0}).applied_to(precise)
    assert (bounded.min_confidence, bounded.wanted_precision) == (0.0, None)
    assert pointers(Change({"min_confidence": 0.1, "wanted_precision": 0.9})) == ["/wanted_precision"]


def test_cleared_settings_have_their_defaults() -> None:
    """The rest stays."""
    before = Answering(answer_characters=900, min_confidence=0.3, language_model=MODEL)
    after = Change(clear=("min_confidence", "language_model")).applied_to(before)
    assert after == Answering(answer_characters=900)


def test_clear_contradicts_nothing() -> None:
    """Unknown names are refused, and names that are given too."""
    change = Change({"high_from": 0.8}, reranker={}, clear=("high_from", "key", "reranker", "medium_from"))
    assert pointers(change) == ["/clear/0", "/clear/1", "/clear/2"]


def test_a_first_model_needs_address_and_name() -> None:
    """What is left out is said to be required, once."""
    assert pointers(Change(language_model={"retries": 9})) == [
        "/language_model/base_url",
        "/language_model/model",
        "/language_model/retries",
    ]
    first = Change(language_model={"base_url": "https://llm.example/v1", "model": "m"}).applied_to(
        Answering()
    )
    assert first.language_model == LanguageModel("https://llm.example/v1", "m")


def test_a_part_of_a_model_changes_alone() -> None:
    """The key and the rest stay as they are."""
    after = Change(language_model={"temperature": 0.5, "base_url": "http://127.0.0.1:8000/v2"})
    model = after.applied_to(WITH_MODEL).language_model
    assert model == LanguageModel("http://127.0.0.1:8000/v2", "smol", "sk-secret", retries=3, temperature=0.5)
    assert Change(language_model={}).applied_to(WITH_MODEL) == WITH_MODEL


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1:8000/v1", "http://127.0.0.1:8001/v1", "http://evil.example:8000/v1"]
)
def test_a_key_is_not_sent_elsewhere(url: str) -> None:
    """Another scheme, host or port drops the key, unless a key comes along."""
    moved = Change(language_model={"base_url": url}).applied_to(WITH_MODEL)
    assert moved.language_model is not None
    assert moved.language_model.key == ""
    with_key = Change(language_model={"base_url": url, "key": "new"}).applied_to(WITH_MODEL)
    assert with_key.language_model is not None
    assert with_key.language_model.key == "new"


def test_what_is_no_address_is_refused() -> None:
    """Also where there was one before."""
    for url in ("http://[", "http://a:b/", "", "file:///etc/passwd", "http://user:pass@host/"):
        assert pointers(Change(language_model={"base_url": url}), WITH_MODEL) == ["/language_model/base_url"]


def test_an_empty_key_removes_it() -> None:
    """The model stays."""
    after = Change(language_model={"key": ""}).applied_to(WITH_MODEL)
    assert after.language_model is not None
    assert (after.language_model.key, after.language_model.model) == ("", "smol")


def test_no_key_is_in_a_repr() -> None:
    """Neither in settings nor in changes nor in refusals."""
    change = Change(language_model={"key": "sk secret"}, reranker={"key": "sk secret"})
    with pytest.raises(InvalidArgument) as raised:
        change.applied_to(WITH_MODEL)
    shown = f"{change!r} {WITH_MODEL!r} {raised.value} {raised.value.violations}"
    assert "secret" not in shown
