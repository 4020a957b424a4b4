"""Which model a workspace's index is of, and which of its generations answers."""

from collections.abc import Sequence
from itertools import count

import pytest

from services.embedding.domain.embedders import Embedders
from services.kernel.caller import Caller
from services.kernel.errors import Unavailable
from services.query.clients.installed_models import UNKNOWN, InstalledModels
from services.query.domain.generation.rewriting import Rewriting
from services.query.domain.passage import Found
from services.query.domain.ports import OtherModel, SearchQuery
from services.query.domain.question import Lookup
from services.query.domain.retrieval.retrieval import Retrieval
from services.query.domain.settings.answering import Answering
from tests.fakes.chat_model import FakeOutcomes
from tests.fakes.embedder import FakeEmbedder
from tests.unit.query.given import ACME, OTHER, SYNC
from tests.unit.query.test_retrieval import HISTORY, World, documents

PRESENT = FakeEmbedder().model


class Contradicting:
    """A search that is always of another model than it said."""

    def __init__(self) -> None:
        self.asked = 0

    def search_each(self, caller: Caller, queries: Sequence[SearchQuery], limit: int) -> list[Found]:
        """Refuse."""
        self.asked += 1
        raise OtherModel("old")


class TestModels:
    """While one embedding model takes over from another."""

    OLD = FakeEmbedder(model="old", dimensions=64)

    def world(self, *others: FakeEmbedder) -> World:
        """Return one whose installation has these models beside the present one."""
        world = World()
        world.retrieval = Retrieval(
            InstalledModels(Embedders(FakeEmbedder(), others)),
            world.search,
            Rewriting(world.chat, FakeOutcomes()),
            world.rerankers,
        )
        return world

    def models(self, world: World) -> list[str]:
        """Return the models of what was searched for since the last look."""
        models = [query.model for query in world.search.queries]
        world.search.queries.clear()
        return models

    def test_an_index_of_another_model_is_asked_again_with_its_own(self) -> None:
        """No question fails, and no vector meets those of another model; the next one goes right away."""
        world = self.world(self.OLD)
        world.search.embedder = self.OLD
        assert documents(world.find("When does the Pro plan renew?"))[0] == "doc_plans"
        assert self.models(world) == [PRESENT, "old"]
        world.find("When does the Pro plan renew?")
        assert self.models(world) == ["old"]

    def test_after_the_switch_it_goes_back_to_the_present_one(self) -> None:
        """And after a rollback to the other: one question pays, the others know."""
        world = self.world(self.OLD)
        for embedder, models in ((self.OLD, [PRESENT, "old"]), (FakeEmbedder(), ["old", PRESENT])) * 2:
            world.search.embedder = embedder
            world.find("renew?")
            assert self.models(world) == models
            world.find("renew?")
            assert self.models(world) == models[1:]

    def test_workspaces_are_apart(self) -> None:
        """What is known of one says nothing of the others."""
        world = self.world(self.OLD)
        world.search.embedder = self.OLD
        world.find("renew?")
        self.models(world)
        world.search.embedder = FakeEmbedder()
        world.retrieval.find(OTHER, Lookup(message="renew?"), (), Answering(), world.stages)
        assert self.models(world) == [PRESENT]

    def test_the_past_may_be_of_another_model(self) -> None:
        """Which says nothing of the present."""
        world = self.world(self.OLD)
        world.search.remember(3, [SYNC])
        world.search.embedder = self.OLD
        lookup = Lookup(message="Sync?", knowledge_revision=3)
        found = world.retrieval.find(ACME, lookup, (), Answering(), world.stages)
        assert (documents(found), found.found.revision) == (["doc_sync"], 3)
        world.search.embedder = FakeEmbedder()
        self.models(world)
        world.find("Sync?")
        assert self.models(world) == [PRESENT]

    def test_a_model_that_is_not_there(self) -> None:
        """Nobody can answer then; it is counted for the operator."""
        world = self.world()
        world.search.embedder = self.OLD
        before = UNKNOWN._value.get()
        with pytest.raises(Unavailable):
            world.find("renew?")
        assert UNKNOWN._value.get() == before + 1

    def test_what_never_agrees_ends(self) -> None:
        """A search that names a model and refuses it is asked a few times."""
        world, search = World(), Contradicting()
        with pytest.raises(Unavailable):
            Retrieval(
                InstalledModels(Embedders(FakeEmbedder(), [self.OLD])),
                search,
                Rewriting(world.chat, FakeOutcomes()),
                world.rerankers,
            ).find(ACME, Lookup(message="renew?"), (), Answering(), world.stages)
        assert search.asked == 4


class TestGenerations:
    """While the index goes over to its next generation."""

    def test_both_searches_of_a_follow_up_are_of_one(self) -> None:
        """Else both are made again."""
        world = World()
        world.search.generations = iter((1, 2, 2, 2))
        world.find("And for teams?", HISTORY)
        assert world.texts == ["And for teams?", f"{HISTORY[0].content}\nAnd for teams?"] * 2

    def test_not_for_ever(self) -> None:
        """An index that changes faster than it answers is away."""
        world = World()
        world.search.generations = count()
        with pytest.raises(Unavailable):
            world.find("And for teams?", HISTORY)
        assert len(world.texts) == 8

    def test_each_question_alone_takes_any(self) -> None:
        """There is nothing to agree with."""
        world = World()
        world.search.generations = count()
        world.find("And for teams?")
        assert world.find("And for teams?").found.generation == 1
