"""From a question to passages."""

from dataclasses import replace

import numpy as np
import pytest

from services.embedding.domain.embedder import Vector
from services.embedding.domain.embedders import Embedders
from services.query.clients.installed_models import InstalledModels
from services.query.domain.generation.chat import Failure
from services.query.domain.generation.rewriting import Rewriting
from services.query.domain.question import Filters, Lookup, Said
from services.query.domain.retrieval.reranking import RerankModel
from services.query.domain.retrieval.retrieval import Retrieval, Retrieved, windows
from services.query.domain.settings.answering import Answering
from services.query.domain.settings.language_model import LanguageModel
from services.query.domain.stages import Stages
from tests.fakes.chat_model import FakeChatModel, FakeOutcomes
from tests.fakes.embedder import FakeEmbedder
from tests.fakes.passage_search import FakePassageSearch
from tests.fakes.rerankers import FakeReranker, FakeRerankers
from tests.unit.query.given import ACME, EXPORT, PLANS, SYNC, TEAMS, a_passage
from tests.unit.query.test_remembered import Seconds

HISTORY = (Said("user", "How much does the Pro plan cost?"), Said("assistant", "12 euros."))
MODEL = LanguageModel("http://127.0.0.1:1/v1", "m", timeout_seconds=20)
MODELS = InstalledModels(Embedders(FakeEmbedder()))
WITH_MODEL = Answering(language_model=MODEL)
WITH_RERANKER = Answering(reranker=RerankModel("http://127.0.0.1:1/v1", "m"))


class World:
    """A `Retrieval` over four pages, and the fakes around it."""

    def __init__(self) -> None:
        self.search = FakePassageSearch()
        self.search.add(ACME.workspace_id, [PLANS, EXPORT, TEAMS, SYNC])
        self.chat = FakeChatModel()
        self.rerankers = FakeRerankers()
        self.seconds = Seconds()
        self.stages = Stages(self.seconds)
        rewriting = Rewriting(self.chat, FakeOutcomes())
        self.retrieval = Retrieval(MODELS, self.search, rewriting, self.rerankers)

    def find(
        self,
        message: str,
        history: tuple[Said, ...] = (),
        answering: Answering = Answering(),  # noqa: B008, it is frozen
        seconds: float | None = None,
    ) -> Retrieved:
        """Look for a message."""
        return self.retrieval.find(
            ACME, Lookup(message=message), history, answering, self.stages, seconds=seconds
        )

    @property
    def texts(self) -> list[str]:
        """What was searched for."""
        return [query.text for query in self.search.queries]


def documents(retrieved: Retrieved) -> list[str]:
    """Return the documents found, in their order."""
    return [each.document_id for each in retrieved.found.passages]


def test_a_question_is_searched_for_once() -> None:
    """With its filters and its vector; passages come best first, with the revision that was searched."""
    world = World()
    filters = Filters(tags=(), document_ids=("doc_plans", "doc_sync"))
    lookup = Lookup(message="When does the Pro plan renew?", filters=filters, exact=True)
    found = world.retrieval.find(ACME, lookup, (), Answering(), world.stages)
    assert documents(found) == ["doc_plans", "doc_sync"]
    assert found.asked == lookup.message
    assert found.found.revision == 7
    (query,) = world.search.queries
    assert (query.text, query.filters, query.exact) == (lookup.message, filters, True)
    assert np.array_equal(query.vector, FakeEmbedder().embed_query(lookup.message))
    assert set(world.stages.milliseconds()) == {"embed", "search", "rank", "whole"}


def test_at_most_so_many_are_found() -> None:
    """Also of two searches."""
    world = World()
    world.search.add(
        ACME.workspace_id, [a_passage(f"Pro plan {n}.", document=f"doc_{n:02}") for n in range(60)]
    )
    for history in ((), HISTORY):
        found = world.retrieval.find(
            ACME, Lookup(message="And the Pro plan?"), history, Answering(), world.stages, limit=5
        )
        assert len(found.found.passages) == 5


def test_a_follow_up_is_searched_for_with_and_without_what_was_said() -> None:
    """What answers it is looked for by both where it leans on them, else by its own words."""
    world = World()
    leaning = world.find("And for teams?", HISTORY)
    assert world.texts == ["And for teams?", f"{HISTORY[0].content}\nAnd for teams?"]
    assert leaning.asked == world.texts[1]
    assert documents(leaning)[0] == "doc_teams"
    whole = "How can members export all notes of a closed account?"
    assert world.find(whole, HISTORY).asked == whole
    scores = [each.score for each in leaning.found.passages]
    assert scores == sorted(scores, reverse=True)


class TestRewriting:
    """With a language model."""

    def test_a_rewritten_follow_up_is_searched_for_alone(self) -> None:
        """Instead of mixing."""
        world = World()
        world.chat.text = "How much does a team cost?"
        found = world.find("And for teams?", HISTORY, WITH_MODEL)
        assert world.texts == ["How much does a team cost?"]
        assert found.asked == "How much does a team cost?"
        assert "rewrite" in world.stages.milliseconds()

    def test_without_history_nothing_is_rewritten(self) -> None:
        """The model is not asked."""
        world = World()
        world.find("And for teams?", (), WITH_MODEL)
        world.find("And for teams?", (Said("assistant", "Hello!"),), WITH_MODEL)
        assert not world.chat.asked
        assert world.texts == ["And for teams?"] * 2

    @pytest.mark.parametrize("failure", list(Failure))
    def test_a_failure_mixes(self, failure: Failure) -> None:
        """As if there were no model."""
        world, plain = World(), World()
        world.chat.failure = failure
        assert world.find("And for teams?", HISTORY, WITH_MODEL) == plain.find("And for teams?", HISTORY)
        assert world.texts == plain.texts

    def test_who_does_not_want_it_is_not_asked(self) -> None:
        """The setting turns it off, answers are still written."""
        world = World()
        world.find("And for teams?", HISTORY, Answering(language_model=replace(MODEL, rewrite=False)))
        assert not world.chat.asked

    def test_it_takes_no_longer_than_is_left(self) -> None:
        """Of the caller's patience, what went before is gone."""
        world = World()
        world.seconds.now += 3
        world.find("And for teams?", HISTORY, WITH_MODEL, seconds=5)
        assert world.chat.asked[0].seconds == 2.0
        world.seconds.now += 3
        world.find("And for teams?", HISTORY, WITH_MODEL, seconds=5)
        assert len(world.chat.asked) == 1
        assert len(world.texts) == 4


class TestReranking:
    """With a reranker."""

    def test_it_orders_what_was_found(self) -> None:
        """By what was asked; what was ranked before lends its scores."""
        world = World()
        plain = world.find("When does the Pro plan renew?")
        world.rerankers.reranker.words = {"Sync": 2.0, "Teams": 1.0}
        found = world.find("When does the Pro plan renew?", (), WITH_RERANKER)
        assert documents(found)[:2] == ["doc_sync", "doc_teams"]
        assert [each.score for each in found.found.passages] == [each.score for each in plain.found.passages]
        assert world.rerankers.reranker.questions == ["When does the Pro plan renew?"]
        assert "rerank" in world.stages.milliseconds()

    def test_the_installations_own_is_for_those_who_have_none(self) -> None:
        """A workspace's own goes before it."""
        world = World()
        own = FakeReranker({"Export": 1.0})
        retrieval = Retrieval(
            MODELS, world.search, Rewriting(world.chat, FakeOutcomes()), world.rerankers, own
        )
        world.rerankers.reranker.words = {"Sync": 2.0}
        lookup = Lookup(message="When does the Pro plan renew?")
        for answering, first in ((Answering(), "doc_export"), (WITH_RERANKER, "doc_sync")):
            assert documents(retrieval.find(ACME, lookup, (), answering, world.stages))[0] == first

    def test_it_is_asked_for_the_follow_up_in_its_context(self) -> None:
        """Since it can't know what was said."""
        world = World()
        world.find("And for teams?", HISTORY, WITH_RERANKER)
        assert world.rerankers.reranker.questions == [f"{HISTORY[0].content}\nAnd for teams?"]

    def test_a_failure_keeps_the_order(self) -> None:
        """The fake can't tell without words."""
        assert World().find("renew?", (), WITH_RERANKER) == World().find("renew?")


SENTENCE = "The plan of each team that has more than nine members renews on the third day. "


def test_a_long_question_is_the_mean_of_its_parts() -> None:
    """The direction of the mean, of length 1; a short one is taken as it is."""
    world = World()
    question = SENTENCE * 10 + "How do I cancel? " * 40
    world.find(question)
    parts = windows(question)
    assert len(parts) > 2
    mean = np.mean([FakeEmbedder().embed_query(part) for part in parts], axis=0)
    vector = world.search.queries[0].vector
    assert vector.dtype == np.float32
    assert np.allclose(vector, mean / np.linalg.norm(mean), atol=1e-6)
    assert world.texts == [question]


class Opposed(FakeEmbedder):
    """Knows two directions, one the other's opposite."""

    def embed_query(self, text: str) -> Vector:
        """Return one for texts that begin with "The", else the other."""
        vector = np.zeros(self.dimensions, dtype=np.float32)
        vector[0] = 1.0 if text.startswith("The") else -1.0
        return vector


def test_parts_that_cancel_each_other_out_are_no_direction() -> None:
    """The whole text's vector is taken then."""
    world = World()
    retrieval = Retrieval(
        InstalledModels(Embedders(Opposed())),
        world.search,
        Rewriting(world.chat, FakeOutcomes()),
        world.rerankers,
    )
    question = "The " + "word " * 98 + "end. " + "A " + "word " * 98 + "end."
    assert len(windows(question)) == 2
    retrieval.find(ACME, Lookup(message=question), (), Answering(), world.stages)
    assert world.search.queries[0].vector[0] == 1.0


def test_windows_are_whole_sentences_of_at_most_100_words() -> None:
    """All words are in one of them, in their order."""
    text = SENTENCE * 30
    parts = windows(text)
    assert all(len(part.split()) <= 100 for part in parts)
    assert all(part.endswith("day.") for part in parts)
    assert " ".join(parts).split() == text.split()
    assert min(len(part.split()) for part in parts[:-1]) > 100 - len(SENTENCE.split())


@pytest.mark.parametrize("text", ["", "?", "Short.", "x" * 8_000, "word " * 99 + "end"])
def test_what_is_short_is_one_window(text: str) -> None:
    """As it is, white space and all."""
    assert windows(text) == [text]


def test_a_sentence_is_never_cut() -> None:
    """One of more than 100 words is a window of its own."""
    long = "Word" + " word" * 150 + " end."
    assert windows(f"Before. {long} Behind.") == ["Before.", long, "Behind."]
    assert windows(long) == [long]
    assert windows(" " * 200) == [" " * 200]
