"""A query server as `python -m services.query` joins it, with a fake search behind real gRPC."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from supportagent.conversations.v1.turn_service_pb2_grpc import add_TurnServiceServicer_to_server
from supportagent.query.v1 import query_service_pb2 as pb
from supportagent.query.v1.answering_service_pb2_grpc import (
    AnsweringServiceStub,
    add_AnsweringServiceServicer_to_server,
)
from supportagent.query.v1.kept_answer_service_pb2_grpc import (
    KeptAnswerServiceStub,
    add_KeptAnswerServiceServicer_to_server,
)
from supportagent.query.v1.query_service_pb2_grpc import (
    QueryServiceStub,
    add_QueryServiceServicer_to_server,
)

import services.conversations.storage
import services.query.storage
from services.conversations.api import turn_servicer
from services.conversations.api.turn_servicer import TurnServicer
from services.conversations.domain.transcripts import Transcripts
from services.conversations.storage.conversations import StoredConversations
from services.embedding.domain.embedders import Embedders
from services.kernel.caller import Caller
from services.kernel.clock import SystemClock
from services.query.api import answering_servicer, kept_answer_servicer, query_servicer
from services.query.api.answering_servicer import AnsweringServicer
from services.query.api.kept_answer_servicer import KeptAnswerServicer
from services.query.api.metering import Metering
from services.query.api.once import Once
from services.query.api.query_servicer import QueryServicer
from services.query.clients.conversations import TranscriptService
from services.query.clients.dependency import ServiceDependency
from services.query.clients.installed_models import InstalledModels
from services.query.clients.vector_search import IDEMPOTENT, VectorSearch
from services.query.domain.asking import Asking
from services.query.domain.confidence.calibration import Measurement, Outcomes
from services.query.domain.confidence.calibrations import Calibrations
from services.query.domain.confidence.model import shipped_model
from services.query.domain.generation.generation import Generation
from services.query.domain.generation.rewriting import Rewriting
from services.query.domain.generation.support import EmbeddedSupport
from services.query.domain.judging import Judge
from services.query.domain.readiness import EmbedderDependency, Readiness
from services.query.domain.retrieval.retrieval import Retrieval
from services.query.domain.settings.known_answering import KnownAnswering
from services.query.domain.transcript import Transcript
from services.query.domain.writing import Writing
from services.query.llm.on_demand import ChatOnDemand
from services.query.llm.outcomes import CountedOutcomes
from services.query.storage import schema
from services.query.storage.answering import StoredAnswering
from services.query.storage.labelled_scores import StoredLabelledScores
from services.query.storage.turns import StoredTurns, TurnDelivery
from services.query.storage.usage import CountedQuestions
from services.runtime.call import acting_as
from services.runtime.channel import open_channel
from services.runtime.database import Database, migrate, open_database
from services.runtime.first_answers import FirstAnswers
from services.runtime.health import Health
from services.runtime.outbox import Outbox, OutboxDelivery
from services.runtime.seal import Seal
from services.runtime.server import RunningServer, Service, start_server
from services.runtime.settings import Secret
from services.runtime.usage import UsageCounter
from tests.fakes.embedder import FakeEmbedder
from tests.fakes.end_users import FakeEndUsers
from tests.fakes.passage_search import FakePassageSearch
from tests.fakes.rerankers import FakeRerankers
from tests.fakes.vector_search_service import FakeVectorSearchService
from tests.unit.query.given import ACME, EXPORT, LEAST, OTHER, PLANS, SYNC, TEAMS

__all__ = ["ACME", "LEAST", "OTHER", "QueryServer", "acting_as", "query_server"]

CREDENTIAL = Secret("test")
SECRETS_KEY = "A" * 43
# What the shipped model was measured on, as far as these tests go.
MEASURED = [(0.1, False), (0.3, False), (0.3, True), (0.6, True), (0.8, False), (0.9, True), (0.95, True)]


@dataclass
class QueryServer:
    """The running parts; `stub` speaks to the query server in the name of whoever `acting_as` says."""

    stub: QueryServiceStub
    address: str
    answering: AnsweringServiceStub
    kept_answers: KeptAnswerServiceStub
    kept: FirstAnswers
    labelled: StoredLabelledScores
    search: FakePassageSearch
    end_users: FakeEndUsers
    vector_search: FakeVectorSearchService
    vector_search_server: RunningServer
    conversations_server: RunningServer
    transcripts: Transcripts
    delivery: OutboxDelivery
    outbox: Outbox
    database: Database
    usage: UsageCounter
    folder: Path
    stack: ExitStack

    def stream(self, request: pb.StreamQueryRequest, timeout: float | None = None) -> Iterator[Any]:
        """Call StreamQuery in the name of `ACME`; the project's own channels carry single answers only."""
        metadata = (
            ("x-internal-credential", CREDENTIAL.reveal()),
            ("x-workspace-id", ACME.workspace_id),
            ("x-request-id", ACME.request_id),
        )
        return iter(self.stub.StreamQuery(request, timeout=timeout, metadata=metadata))

    def restart_conversations(self) -> None:
        """Bring the conversations service back at its old address."""
        self.conversations_server = _conversations_server(
            self.transcripts, self.stack, self.conversations_server.address
        )

    def contents(self, caller: Caller, conversation_id: str) -> list[str]:
        """Return what was said in a conversation, as the conversations service has it."""
        return [each.content for each in self.transcripts.get(caller, conversation_id).messages]


@contextmanager
def query_server(folder: Path) -> Iterator[QueryServer]:
    """Start all parts; nothing delivers the outbox until a test does."""
    with ExitStack() as stack:
        search = FakePassageSearch()
        search.add(ACME.workspace_id, [PLANS, EXPORT, TEAMS, SYNC], tags=["help"])
        vector_search = FakeVectorSearchService(search)
        vector_search_server = _start(stack, vector_search.service())

        transcripts = Transcripts(StoredConversations(_database(stack, folder, "conversations")))
        conversations_server = _conversations_server(transcripts, stack, "127.0.0.1:0")

        database = _database(stack, folder, "query")
        outbox = Outbox(database, schema.outbox)
        search_channel = _channel(stack, vector_search_server.address, IDEMPOTENT)
        transcripts_channel = _channel(stack, conversations_server.address)
        service = TranscriptService(transcripts_channel, history_timeout=2, append_timeout=2)
        model, embedder = shipped_model(), FakeEmbedder()
        stored, labelled = StoredAnswering(database, Seal(SECRETS_KEY)), StoredLabelledScores(database)
        measured = Measurement(model.version, "seven questions", Outcomes.of(MEASURED))
        answering = KnownAnswering(stored)
        calibrations = Calibrations(model, LEAST, measured, labelled)
        kept = FirstAnswers(database, schema.first_answers)
        chat, outcomes = ChatOnDemand(), CountedOutcomes()
        end_users = FakeEndUsers()
        usage = UsageCounter(database, schema.usage, "query")
        stack.callback(chat.close)
        servicer = QueryServicer(
            Asking(
                Retrieval(
                    InstalledModels(Embedders(embedder)),
                    VectorSearch(search_channel, 5),
                    Rewriting(chat, outcomes),
                    FakeRerankers(),
                ),
                Judge(model, calibrations),
                Writing(Generation(chat, outcomes), EmbeddedSupport(embedder)),
                Transcript(service, StoredTurns(database, outbox)),
                end_users,
                answering,
                calibrations,
                SystemClock(),
            ),
            Readiness(
                needed={
                    "vector_search": ServiceDependency(search_channel),
                    "embedding": EmbedderDependency(embedder),
                },
                helpful={"conversations": ServiceDependency(transcripts_channel)},
            ),
            answering,
            calibrations,
            Once(kept),
            Metering(CountedQuestions(usage), SystemClock()),
        )
        operator = AnsweringServicer(stored, calibrations)
        server = _start(
            stack,
            Service(query_servicer.SERVICE, add_QueryServiceServicer_to_server, servicer),
            Service(answering_servicer.SERVICE, add_AnsweringServiceServicer_to_server, operator),
            Service(
                kept_answer_servicer.SERVICE,
                add_KeptAnswerServiceServicer_to_server,
                KeptAnswerServicer(kept),
            ),
        )
        channel = _channel(stack, server.address)
        yield QueryServer(
            stub=QueryServiceStub(channel),
            address=server.address,
            answering=AnsweringServiceStub(channel),
            kept_answers=KeptAnswerServiceStub(channel),
            kept=kept,
            labelled=labelled,
            search=search,
            end_users=end_users,
            vector_search=vector_search,
            vector_search_server=vector_search_server,
            conversations_server=conversations_server,
            transcripts=transcripts,
            delivery=OutboxDelivery(outbox, TurnDelivery(service)),
            outbox=outbox,
            database=database,
            usage=usage,
            folder=folder,
            stack=stack,
        )


def _conversations_server(transcripts: Transcripts, stack: ExitStack, address: str) -> RunningServer:
    service = Service(turn_servicer.SERVICE, add_TurnServiceServicer_to_server, TurnServicer(transcripts))
    return _start(stack, service, listen=address)


def _start(stack: ExitStack, *services: Service, listen: str = "127.0.0.1:0") -> RunningServer:
    health = Health()
    health.set_serving(True)
    server = start_server(services, credential=CREDENTIAL, listen=listen, health=health)
    stack.callback(server.stop)
    return server


def _channel(stack: ExitStack, address: str, idempotent: tuple[str, ...] = ()) -> grpc.Channel:
    return stack.enter_context(open_channel(address, credential=CREDENTIAL, idempotent=idempotent))


def _database(stack: ExitStack, folder: Path, name: str) -> Database:
    database = open_database(f"sqlite:///{folder / name}.db", name)
    storage = {"query": services.query.storage, "conversations": services.conversations.storage}[name]
    migrate(database, Path(str(storage.__file__)).parent / "versions")
    stack.callback(database.close)
    return database
