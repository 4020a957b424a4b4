"""Workspaces as they were at earlier revisions."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.kernel.errors import DeadlineExceeded, InvalidArgument, Unavailable
from services.vector_search.domain.changes import Cursor, Position
from services.vector_search.domain.deadline import NEVER, Deadline
from services.vector_search.domain.errors import (
    ChangesRefused,
    EmbeddingModelMismatch,
    PastTooLarge,
    RevisionNotKept,
)
from services.vector_search.domain.filters import Filter
from services.vector_search.domain.fusion import FusionWeights
from services.vector_search.domain.passages import Passage
from services.vector_search.domain.past import Moment, PastCache
from services.vector_search.domain.search import SearchQuery
from services.vector_search.index.past_collection import PastIndex
from tests.fakes.change_feed import FakeChangeFeed
from tests.fakes.past_source import FakePastSource
from tests.fakes.saved_replica import a_feed as a_changing_feed
from tests.fakes.saved_replica import change_everything
from tests.fakes.vector_search_data import (
    ACME,
    GLOBEX,
    ReplicaUnderTest,
    a_chunk,
    a_document,
    a_question,
    a_vector,
    as_it_is,
    hits_of,
)

THEN = Moment(ACME, 5)
_MB = 1 << 20


def a_past(source: FakePastSource, max_bytes: int = 64 * _MB) -> PastCache:
    """Return the past as a source tells it."""
    return PastCache(source, PastIndex(FusionWeights(), as_it_is), max_bytes)


@pytest.fixture
def source() -> FakePastSource:
    """Return a source that knows five passages of two documents."""
    source = FakePastSource()
    chunks = [a_chunk(f"{n}", "ab"[n % 2], seed=n, text=f"router number{n}") for n in range(5)]
    source.keep(THEN, [a_document("a"), a_document("b", authenticated=True, tags=("vip",))], chunks)
    return source


@pytest.fixture
def past(source: FakePastSource) -> Iterator[PastCache]:
    """Return its past."""
    past = a_past(source)
    yield past
    past.close()


def found(past: PastCache, question: SearchQuery, moment: Moment = THEN) -> list[str]:
    """Return the ids of what a question finds."""
    (result,) = past.search_each(*moment, [question], NEVER)
    return [each.chunk_id for each in result.passages]


def present(feed: FakeChangeFeed, moment: Moment) -> FakePastSource:
    """Return a source that knows what a feed holds now."""
    source = FakePastSource()
    sets = feed.changes(Cursor(Position(moment.workspace_id, 1, 0))).sets
    documents = [document for each in sets for document in each.documents]
    chunks = [chunk for each in sets for chunk in each.chunks]
    source.keep(moment, documents, sorted(chunks, key=lambda each: each.chunk_id))
    return source


def test_as_of_now_it_is_what_is_searched_now(tmp_path: Path) -> None:
    """The newest revision asked for as the past gives the same hits, scores, units and revision."""
    feed = a_changing_feed()
    replica = ReplicaUnderTest(feed, tmp_path / "replica")
    replica.follow()
    change_everything(feed)
    replica.follow()
    past = a_past(present(feed, Moment(ACME, feed.head(ACME))))
    filters = (
        Filter(),
        Filter(include_authenticated=True),
        Filter(locale="de"),
        Filter(document_ids=frozenset({"doc_b"})),
    )
    for seed in range(6):
        for text in ("", "router password number7", "zebra crossing replaced", "about new words"):
            for wanted in filters:
                question = a_question(a_vector(seed), text, 30, exact=True, with_units=True, wanted=wanted)
                now = replica.replica.search(ACME, question, None)
                (then,) = past.search_each(ACME, feed.head(ACME), [question], NEVER)
                assert hits_of(then) == hits_of(now)
                assert then.revision == now.revision
    past.close()
    replica.stop()


def test_filters_hold_for_the_past(past: PastCache) -> None:
    """Audience, tags, locale and documents are looked at as they were."""
    everything = Filter(include_authenticated=True)
    assert len(found(past, a_question(a_vector(1), wanted=everything))) == 5
    assert sorted(found(past, a_question(a_vector(1)))) == ["chunk_0", "chunk_2", "chunk_4"]
    tagged = Filter(any_tags=frozenset({"vip"}), include_authenticated=True)
    assert sorted(found(past, a_question(text="router", wanted=tagged))) == ["chunk_1", "chunk_3"]


def test_a_question_that_does_not_fit_the_index_of_then_is_refused(past: PastCache) -> None:
    """Neither a vector of another model nor one of another length is compared."""
    with pytest.raises(EmbeddingModelMismatch):
        found(past, a_question(a_vector(1), embedding_model="another"))
    with pytest.raises(InvalidArgument):
        found(past, a_question(a_vector(1, 7)))


def test_nothing_was_there_yet(source: FakePastSource, past: PastCache) -> None:
    """A workspace without passages has nothing."""
    source.keep(Moment(ACME, 1), [], [])
    assert found(past, a_question(a_vector(1)), Moment(ACME, 1)) == []


def test_it_is_fetched_once_for_all_who_ask(source: FakePastSource, past: PastCache) -> None:
    """Those who ask meanwhile wait for the same pages, later ones find them."""
    source.open.clear()
    answers: list[list[str]] = []
    askers = [
        threading.Thread(target=lambda: answers.append(found(past, a_question(a_vector(1)))))
        for _ in range(4)
    ]
    for each in askers:
        each.start()
    source.open.set()
    for each in askers:
        each.join()
    assert found(past, a_question(a_vector(1))) == answers[0]
    assert answers == [answers[0]] * 4
    assert [page for _, page in source.asked] == ["", "0", "2", "4"]


def test_who_can_t_wait_finds_it_later(source: FakePastSource, past: PastCache) -> None:
    """The fetch goes on when the caller's time is over."""
    source.open.clear()
    with pytest.raises(Unavailable) as raised:
        past.search_each(*THEN, [a_question(a_vector(1))], Deadline.after(0.15))
    assert raised.value.retry_after
    source.open.set()
    assert len(found(past, a_question(a_vector(1)))) == 3


def test_the_search_itself_keeps_to_the_deadline(past: PastCache) -> None:
    """What is there already is not searched for somebody who went away."""
    found(past, a_question(a_vector(1)))
    with pytest.raises(DeadlineExceeded):
        past.search_each(*THEN, [a_question(a_vector(1))], Deadline.after(0.0))


def test_what_the_source_refuses_is_told_and_asked_again(source: FakePastSource, past: PastCache) -> None:
    """A revision that is not kept, or an answer that breaks the rules, is nothing to remember."""
    with pytest.raises(RevisionNotKept):
        found(past, a_question(a_vector(1)), Moment(ACME, 4))
    source.failure = ChangesRefused("a vector of another length")
    with pytest.raises(Unavailable):
        found(past, a_question(a_vector(1)))
    source.failure = None
    assert len(found(past, a_question(a_vector(1)))) == 3


def test_what_is_too_large_is_refused_and_not_fetched_again(source: FakePastSource) -> None:
    """It is given up as soon as it is known to be too large, until something is deleted."""
    past = a_past(source, max_bytes=2000)
    for _ in range(2):
        with pytest.raises(PastTooLarge):
            found(past, a_question(a_vector(1)))
    assert [page for _, page in source.asked] == ["", "0", "2"]
    past.drop(ACME)
    source.keep(THEN, [a_document("a")], [a_chunk("0", "a")])
    assert found(past, a_question(a_vector(1))) == ["chunk_0"]
    past.close()


def test_those_that_were_asked_for_last_are_kept(source: FakePastSource) -> None:
    """Beyond the budget the one that nobody asked for longest goes."""
    moments = [Moment(ACME, n) for n in range(3)]
    for each in moments:
        source.keep(each, [a_document("a")], [a_chunk(f"{n}", "a", seed=n) for n in range(10)])
    index = PastIndex(FusionWeights(), as_it_is)
    one = PastCache(source, index, 64 * _MB)._collection(moments[0], NEVER).memory_bytes
    past = a_past(source, max_bytes=one * 5 // 2)
    for each in (moments[0], moments[1], moments[0], moments[2]):
        found(past, a_question(a_vector(1)), each)
    source.asked.clear()
    found(past, a_question(a_vector(1)), moments[0])
    found(past, a_question(a_vector(1)), moments[2])
    assert source.asked == []
    found(past, a_question(a_vector(1)), moments[1])
    assert source.asked
    past.close()


def test_what_is_dropped_is_fetched_anew(source: FakePastSource, past: PastCache) -> None:
    """After something was deleted the past is what the source tells then; other workspaces keep theirs."""
    elsewhere = Moment(GLOBEX, 5)
    source.keep(elsewhere, [a_document("a")], [a_chunk("0", "a")])
    found(past, a_question(a_vector(1)), elsewhere)
    found(past, a_question(a_vector(1)))
    source.keep(THEN, [a_document("a")], [a_chunk("0", "a")])
    past.drop(ACME)
    assert found(past, a_question(a_vector(1))) == ["chunk_0"]
    source.asked.clear()
    found(past, a_question(a_vector(1)), elsewhere)
    assert source.asked == []


def test_what_is_dropped_while_it_is_fetched_is_fetched_anew(source: FakePastSource, past: PastCache) -> None:
    """Pages from before and after a deletion are never put together."""

    def delete() -> None:
        if len(source.asked) == 3:
            source.keep(THEN, [a_document("a")], [a_chunk("0", "a")])
            past.drop(ACME)

    source.meanwhile = delete
    everything = a_question(a_vector(1), wanted=Filter(include_authenticated=True))
    assert found(past, everything) == ["chunk_0"]


def test_an_answer_that_was_found_before_a_deletion_is_not_given_after_it(source: FakePastSource) -> None:
    """A search that the deletion overtakes is made again."""

    def read(passage: Passage) -> Passage:
        if not deleted.is_set():
            deleted.set()
            source.keep(THEN, [a_document("a")], [a_chunk("0", "a")])
            past.drop(ACME)
        return passage

    deleted = threading.Event()
    past = PastCache(source, PastIndex(FusionWeights(), read), 64 * _MB)
    assert found(past, a_question(a_vector(1))) == ["chunk_0"]
    past.close()


def test_too_much_at_once_is_refused(source: FakePastSource, past: PastCache) -> None:
    """One workspace takes at most half of what is fetched at once, and nobody waits without end."""
    source.open.clear()

    def ask(moment: Moment) -> str:
        with pytest.raises(Unavailable) as raised:
            past.search_each(*moment, [a_question(a_vector(1))], Deadline.after(0.1))
        return raised.value.detail

    refusals = [ask(Moment(ACME, n)) for n in range(5)]
    assert ["Too much" in each for each in refusals] == [False, False, False, False, True]
    assert "Too much" not in ask(Moment(GLOBEX, 1))
    source.open.set()
