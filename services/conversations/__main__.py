"""`python -m services.conversations`: transcripts."""

from pathlib import Path

from supportagent.conversations.v1.conversation_service_pb2_grpc import (
    add_ConversationServiceServicer_to_server,
)
from supportagent.conversations.v1.turn_service_pb2_grpc import add_TurnServiceServicer_to_server

from services.conversations.api import conversation_servicer, turn_servicer
from services.conversations.api.conversation_servicer import ConversationServicer
from services.conversations.api.turn_servicer import TurnServicer
from services.conversations.domain.transcripts import Transcripts
from services.conversations.settings import PREFIX, ConversationsSettings
from services.conversations.storage.conversations import StoredConversations
from services.runtime import logs
from services.runtime.database import migrate, open_database
from services.runtime.health import Health
from services.runtime.server import Service, serve
from services.runtime.settings import load, load_shared

_VERSIONS = Path(__file__).parent / "storage" / "versions"
# Whole transcripts pass: about 10,000 ordinary turns, or 1,000 of the longest. The gateway takes as much.
_MESSAGE_BYTES = 64 * 1024 * 1024


def main() -> None:
    """Join the parts and serve until told to stop."""
    settings, shared = load(ConversationsSettings, PREFIX), load_shared()
    logs.configure("conversations", shared.log_level)
    database = open_database(settings.database_url.reveal(), "conversations")
    migrate(database, _VERSIONS)

    transcripts = Transcripts(StoredConversations(database))
    health = Health()
    health.set_serving(True)
    serve(
        settings,
        shared,
        [
            Service(
                conversation_servicer.SERVICE,
                add_ConversationServiceServicer_to_server,
                ConversationServicer(transcripts),
            ),
            Service(turn_servicer.SERVICE, add_TurnServiceServicer_to_server, TurnServicer(transcripts)),
        ],
        health=health,
        max_message_bytes=_MESSAGE_BYTES,
    )
    database.close()


if __name__ == "__main__":
    main()
