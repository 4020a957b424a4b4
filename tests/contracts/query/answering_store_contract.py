"""What every store of workspaces' settings promises; a test module inherits this and gives the fixture."""

from abc import ABC, abstractmethod

import pytest

from services.kernel.errors import InvalidArgument
from services.kernel.ids import WorkspaceId
from services.query.domain.retrieval.reranking import RerankModel
from services.query.domain.settings.answering import Answering, AnsweringStore, Change
from services.query.domain.settings.language_model import LanguageModel

ACME, OTHER = WorkspaceId("ws_acme"), WorkspaceId("ws_other")
EVERYTHING = Answering(
    answer_characters=900,
    wanted_precision=0.95,
    medium_from=0.31,
    high_from=0.61,
    language_model=LanguageModel(
        "http://127.0.0.1:8000/v1",
        "sml-ü",
        key="sk-model",
        timeout_seconds=7.5,
        retries=0,
        max_prompt_tokens=600,
        max_answer_tokens=20,
        temperature=0.25,
        rewrite=False,
    ),
    reranker=RerankModel("https://rerank.example", "r", key="sk-rerank", timeout_seconds=0.5),
)
ALL = Change(
    given={"answer_characters": 900, "wanted_precision": 0.95, "medium_from": 0.31, "high_from": 0.61},
    language_model=vars(EVERYTHING.language_model),
    reranker=vars(EVERYTHING.reranker),
)


class AnsweringStoreContract(ABC):
    """The shared suite."""

    @pytest.fixture
    @abstractmethod
    def store(self) -> AnsweringStore:
        """Return an empty store."""

    def test_what_was_never_set_has_its_default(self, store: AnsweringStore) -> None:
        """Any workspace can be asked for."""
        assert store.get(ACME) == Answering()

    def test_everything_is_kept(self, store: AnsweringStore) -> None:
        """Secrets too; a second change begins where the first one ended."""
        assert store.change(ACME, ALL) == EVERYTHING
        assert store.get(ACME) == EVERYTHING
        changed = store.change(ACME, Change({"min_confidence": 0.0}, clear=("reranker",)))
        assert store.get(ACME) == changed
        assert (changed.min_confidence, changed.wanted_precision, changed.reranker) == (0.0, None, None)
        assert changed.language_model == EVERYTHING.language_model

    def test_everything_can_be_taken_back(self, store: AnsweringStore) -> None:
        """The workspace is as it was."""
        store.change(ACME, ALL)
        every = ("answer_characters", "wanted_precision", "medium_from", "high_from")
        store.change(ACME, Change(clear=(*every, "language_model", "reranker")))
        assert store.get(ACME) == Answering()

    def test_workspaces_are_apart(self, store: AnsweringStore) -> None:
        """A change is of one alone."""
        store.change(ACME, ALL)
        assert store.get(OTHER) == Answering()
        store.change(OTHER, Change({"answer_characters": 200}))
        assert store.get(ACME) == EVERYTHING

    def test_a_refused_change_changes_nothing(self, store: AnsweringStore) -> None:
        """Neither in a workspace with settings nor in one without."""
        store.change(ACME, ALL)
        for workspace, before in ((ACME, EVERYTHING), (OTHER, Answering())):
            with pytest.raises(InvalidArgument):
                store.change(workspace, Change({"answer_characters": 200, "high_from": 2.0}))
            assert store.get(workspace) == before
