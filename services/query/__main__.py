"""`python -m services.query`: answers to questions."""

from pathlib import Path

from supportagent.query.v1.answering_service_pb2_grpc import add_AnsweringServiceServicer_to_server
from supportagent.query.v1.query_service_pb2_grpc import add_QueryServiceServicer_to_server

from services.embedding.provider import open_embedder
from services.embedding.settings import load_embedding_settings
from services.kernel.clock import SystemClock
from services.query.api import answering_servicer, query_servicer
from services.query.api.answering_servicer import AnsweringServicer
from services.query.api.query_servicer import QueryServicer
from services.query.clients.conversations import TranscriptService
from services.query.clients.dependency import ServiceDependency
from services.query.clients.rerank_endpoint import RerankEndpoints
from services.query.clients.rerank_fastembed import open_cross_encoder
from services.query.clients.vector_search import IDEMPOTENT, VectorSearch
from services.query.domain.asking import Asking
from services.query.domain.confidence.calibration import shipped_measurement
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
from services.query.llm.aside import ChatAside
from services.query.llm.on_demand import ChatOnDemand
from services.query.llm.outcomes import CountedOutcomes
from services.query.settings import PREFIX, QuerySettings
from services.query.storage import schema
from services.query.storage.answering import StoredAnswering
from services.query.storage.labelled_scores import StoredLabelledScores
from services.query.storage.seal import Seal
from services.query.storage.turns import StoredTurns, TurnDelivery
from services.runtime import logs
from services.runtime.channel import open_channel
from services.runtime.database import migrate, open_database
from services.runtime.health import Health
from services.runtime.outbox import Outbox, OutboxDelivery
from services.runtime.server import Service, serve
from services.runtime.serving_threads import ServingThreads
from services.runtime.settings import load, load_shared

_VERSIONS = Path(__file__).parent / "storage" / "versions"


def main() -> None:
    """Join the parts and serve until told to stop."""
    settings, shared = load(QuerySettings, PREFIX), load_shared()
    embedding_settings = load_embedding_settings()
    logs.configure("query", shared.log_level)
    database = open_database(settings.database_url.reveal(), "query")
    migrate(database, _VERSIONS)

    credential = shared.internal_credential
    vector_search = open_channel(settings.vector_search_target, credential=credential, idempotent=IDEMPOTENT)
    conversations = open_channel(settings.conversations_target, credential=credential)
    access = open_channel(settings.access_target, credential=credential)

    embedder = open_embedder(embedding_settings)
    transcripts = TranscriptService(conversations, settings.history_timeout, settings.append_timeout)
    outbox = Outbox(database, schema.outbox)
    delivery = OutboxDelivery(outbox, TurnDelivery(transcripts))
    model = shipped_model()
    least = settings.default_min_confidence
    least = model.threshold if least is None else least
    stored = StoredAnswering(database, Seal(settings.secrets_key.reveal()))
    answering = KnownAnswering(stored)
    calibrations = Calibrations(model, least, shipped_measurement(), StoredLabelledScores(database))
    threads = ServingThreads(settings.workers, settings.max_waiting)
    endpoint, outcomes, rerankers = ChatOnDemand(), CountedOutcomes(), RerankEndpoints()
    chat = ChatAside(endpoint, threads.stepping_aside)
    reranker = None
    if settings.rerank_model:
        reranker = open_cross_encoder(settings.rerank_model, settings.rerank_threads)
    asking = Asking(
        Retrieval(
            embedder,
            VectorSearch(vector_search, settings.search_timeout),
            Rewriting(chat, outcomes),
            rerankers,
            reranker,
        ),
        Judge(model, calibrations),
        Writing(Generation(chat, outcomes), EmbeddedSupport(embedder)),
        Transcript(transcripts, StoredTurns(database, outbox)),
        answering,
        calibrations,
        SystemClock(),
    )
    readiness = Readiness(
        needed={
            "vector_search": ServiceDependency(vector_search),
            "access": ServiceDependency(access),
            "embedding": EmbedderDependency(embedder),
        },
        helpful={"conversations": ServiceDependency(conversations)},
    )

    delivery.start()
    health = Health()
    health.set_serving(True)
    serve(
        settings,
        shared,
        [
            Service(
                query_servicer.SERVICE,
                add_QueryServiceServicer_to_server,
                QueryServicer(asking, readiness, answering, calibrations),
            ),
            Service(
                answering_servicer.SERVICE,
                add_AnsweringServiceServicer_to_server,
                AnsweringServicer(stored, calibrations),
            ),
        ],
        health=health,
        threads=threads,
        on_stop=delivery.stop,
    )
    endpoint.close()
    rerankers.close()
    database.close()


if __name__ == "__main__":
    main()
