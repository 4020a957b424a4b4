"""The ways to the transcripts keep their promises: the fake, and the client to the real service."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from supportagent.conversations.v1.turn_service_pb2_grpc import add_TurnServiceServicer_to_server

import services.conversations.storage
from services.conversations.api import turn_servicer
from services.conversations.api.turn_servicer import TurnServicer
from services.conversations.domain.transcripts import Transcripts
from services.conversations.storage.conversations import StoredConversations
from services.query.clients.conversations import TranscriptService
from services.runtime.channel import open_channel
from services.runtime.database import migrate, open_database
from services.runtime.server import Service, start_server
from services.runtime.settings import Secret
from tests.contracts.query.conversations_contract import ConversationsContract
from tests.fakes.transcripts import FakeTranscripts

CREDENTIAL = Secret("test")
VERSIONS = Path(str(services.conversations.storage.__file__)).parent / "versions"


class TestFakeTranscripts(ConversationsContract):
    """In memory."""

    @pytest.fixture
    def conversations(self) -> FakeTranscripts:
        """Return an empty one."""
        return FakeTranscripts()


class TestTranscriptService(ConversationsContract):
    """Over gRPC, to the service that `python -m services.conversations` runs."""

    @pytest.fixture
    def conversations(self, tmp_path: Path) -> Iterator[TranscriptService]:
        """Return a client of a fresh service."""
        database = open_database(f"sqlite:///{tmp_path / 'conversations.db'}", "conversations")
        migrate(database, VERSIONS)
        servicer = TurnServicer(Transcripts(StoredConversations(database)))
        service = Service(turn_servicer.SERVICE, add_TurnServiceServicer_to_server, servicer)
        server = start_server([service], credential=CREDENTIAL)
        with open_channel(server.address, credential=CREDENTIAL) as channel:
            yield TranscriptService(channel, history_timeout=5, append_timeout=5)
        server.stop()
        database.close()
