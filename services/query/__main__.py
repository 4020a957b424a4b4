"""`python -m services.query`: answers to questions."""

from pathlib import Path

from supportagent.query.v1.answering_service_pb2_grpc import add_AnsweringServiceServicer_to_server
from supportagent.query.v1.kept_answer_service_pb2_grpc import add_KeptAnswerServiceServicer_to_server
from supportagent.query.v1.query_service_pb2_grpc import add_QueryServiceServicer_to_server

from services.embedding.provider import open_embedders
from services.embedding.settings import load_embedding_settings, load_previous_embedding_settings
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
from services.query.clients.rerank_endpoint import RerankEndpoints
from services.query.clients.rerank_fastembed import open_cross_encoder
from services.query.clients.usage import UsageReports
from services.query.clients.user_tokens import IDEMPOTENT as VERIFYING
from services.query.clients.user_tokens import UserTokens
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
from services.query.storage.turns import StoredTurns, TurnDelivery
from services.query.storage.usage import CountedQuestions
from services.runtime import logs
from services.runtime.channel import open_channel
from services.runtime.database import migrate, open_database
from services.runtime.first_answers import FirstAnswers
from services.runtime.health import Health
from services.runtime.idempotency import Pruning
from services.runtime.outbox import Outbox, OutboxDelivery
from services.runtime.reporter import Reporter
from services.runtime.seal import Seal
from services.runtime.server import Service, serve
from services.runtime.serving_threads import ServingThreads
from services.runtime.settings import load, load_shared
from services.runtime.usage import UsageCounter

_VERSIONS = Path(__file__).parent / "storage" / "versions"


def main() -> None:
    """Join the parts and serve until told to stop."""
    settings, shared = load(QuerySettings, PREFIX), load_shared()
    embedding, previous = load_embedding_settings(), load_previous_embedding_settings()
    logs.configure("query", shared.log_level)
    database = open_database(settings.database_url.reveal(), "query")
    migrate(database, _VERSIONS)

    credential = shared.internal_credential
    vector_search = open_channel(settings.vector_search_target, credential=credential, idempotent=IDEMPOTENT)
    conversations = open_channel(settings.conversations_target, credential=credential)
    access = open_channel(settings.access_target, credential=credential, idempotent=VERIFYING)

    embedders = open_embedders(embedding, previous)
    transcripts = TranscriptService(conversations, settings.history_timeout, settings.append_timeout)
    outbox = Outbox(database, schema.outbox)
    delivery = OutboxDelivery(outbox, TurnDelivery(transcripts))
    first_answers = FirstAnswers(database, schema.first_answers)
    pruning = Pruning(first_answers.prune)
    usage = UsageCounter(database, schema.usage, "query")
    reporter = Reporter(usage, UsageReports(access))
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
            InstalledModels(embedders),
            VectorSearch(vector_search, settings.search_timeout),
            Rewriting(chat, outcomes),
            rerankers,
            reranker,
        ),
        Judge(model, calibrations),
        Writing(Generation(chat, outcomes), EmbeddedSupport(embedders.present)),
        Transcript(transcripts, StoredTurns(database, outbox)),
        UserTokens(access, settings.user_token_timeout),
        answering,
        calibrations,
        SystemClock(),
    )
    readiness = Readiness(
        needed={
            "vector_search": ServiceDependency(vector_search),
            "access": ServiceDependency(access),
            "embedding": EmbedderDependency(embedders.present),
        },
        # Without the shared counters, limits are each gateway's own and quotas stay open.
        helpful={
            "conversations": ServiceDependency(conversations),
            "limits": ServiceDependency(access, "limits"),
        },
    )

    delivery.start()
    pruning.start()
    reporter.start()
    health = Health()
    health.set_serving(True)
    serve(
        settings,
        shared,
        [
            Service(
                query_servicer.SERVICE,
                add_QueryServiceServicer_to_server,
                QueryServicer(
                    asking,
                    readiness,
                    answering,
                    calibrations,
                    Once(first_answers),
                    Metering(CountedQuestions(usage), SystemClock()),
                ),
            ),
            Service(
                answering_servicer.SERVICE,
                add_AnsweringServiceServicer_to_server,
                AnsweringServicer(stored, calibrations),
            ),
            Service(
                kept_answer_servicer.SERVICE,
                add_KeptAnswerServiceServicer_to_server,
                KeptAnswerServicer(first_answers),
            ),
        ],
        health=health,
        threads=threads,
        on_stop=delivery.stop,
    )
    pruning.stop()
    # After the last call, which counts too.
    reporter.stop()
    endpoint.close()
    rerankers.close()
    database.close()


if __name__ == "__main__":
    main()
