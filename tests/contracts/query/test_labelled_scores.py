"""The keepers of labels keep their promises, the stored one on both databases."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

import pytest

from services.kernel.ids import WorkspaceId
from services.query.domain.confidence.calibrations import Label, LabelledScores
from services.query.storage.labelled_scores import StoredLabelledScores
from services.runtime.database import Database, migrate, open_database
from tests.contracts.query.test_turn_outbox import VERSIONS
from tests.fakes.labelled_scores import FakeLabelledScores

ACME, OTHER = WorkspaceId("ws_acme"), WorkspaceId("ws_other")


class LabelledScoresContract(ABC):
    """The shared suite."""

    @pytest.fixture
    @abstractmethod
    def labelled(self) -> LabelledScores:
        """Return an empty one."""

    def test_labels_come_in_the_order_of_their_messages(self, labelled: LabelledScores) -> None:
        """Whenever they were given."""
        labelled.put(ACME, Label("msg_2", "v1", 0.75, False))
        labelled.put(ACME, Label("msg_1", "v1", 0.25, True))
        assert list(labelled.of(ACME, "v1")) == [(0.25, True), (0.75, False)]

    def test_the_last_label_of_a_message_counts(self, labelled: LabelledScores) -> None:
        """People change their minds."""
        labelled.put(ACME, Label("msg_1", "v1", 0.25, True))
        labelled.put(ACME, Label("msg_1", "v1", 0.25, False))
        assert list(labelled.of(ACME, "v1")) == [(0.25, False)]

    def test_workspaces_and_models_are_apart(self, labelled: LabelledScores) -> None:
        """The same message id elsewhere is another message."""
        labelled.put(ACME, Label("msg_1", "v1", 0.25, True))
        labelled.put(OTHER, Label("msg_1", "v1", 0.5, False))
        labelled.put(ACME, Label("msg_2", "v2", 0.75, True))
        assert list(labelled.of(ACME, "v1")) == [(0.25, True)]
        assert list(labelled.of(OTHER, "v1")) == [(0.5, False)]
        assert list(labelled.of(OTHER, "v2")) == []


class TestFakeLabelledScores(LabelledScoresContract):
    """In memory."""

    @pytest.fixture
    def labelled(self) -> FakeLabelledScores:
        """Return an empty one."""
        return FakeLabelledScores()


class TestStoredLabelledScores(LabelledScoresContract):
    """In a database."""

    @pytest.fixture
    def labelled(self, database_url: str) -> Iterator[StoredLabelledScores]:
        """Return an empty one."""
        database: Database = open_database(database_url, "query")
        migrate(database, VERSIONS)
        yield StoredLabelledScores(database)
        database.close()
