"""What the tests of questions start from."""

from services.embedding.domain.embedders import Embedders
from services.kernel.caller import Caller
from services.kernel.ids import WorkspaceId
from services.knowledge.domain.units.splitting import units
from services.query.clients.installed_models import InstalledModels
from services.query.domain.asking import Asking
from services.query.domain.confidence.calibration import shipped_measurement
from services.query.domain.confidence.calibrations import Calibrations
from services.query.domain.confidence.model import Model, shipped_model
from services.query.domain.generation.generation import Generation
from services.query.domain.generation.rewriting import Rewriting
from services.query.domain.generation.support import EmbeddedSupport
from services.query.domain.judging import Judge
from services.query.domain.passage import PASSAGE, Passage
from services.query.domain.retrieval.retrieval import Retrieval
from services.query.domain.transcript import Transcript
from services.query.domain.units import Kind, Unit
from services.query.domain.writing import Writing
from tests.fakes.answering_store import FakeAnsweringStore
from tests.fakes.chat_model import FakeChatModel, FakeOutcomes
from tests.fakes.clock import FakeClock
from tests.fakes.embedder import FakeEmbedder
from tests.fakes.end_users import FakeEndUsers
from tests.fakes.labelled_scores import FakeLabelledScores
from tests.fakes.passage_search import FakePassageSearch
from tests.fakes.question_counter import FakeQuestionCounter
from tests.fakes.rerankers import FakeRerankers
from tests.fakes.transcripts import FakeTranscripts
from tests.fakes.turn_outbox import FakeTurnOutbox

ACME = Caller(WorkspaceId("ws_acme"), key_id="key_1", scopes=frozenset({"query"}), request_id="req_1")
OTHER = Caller(WorkspaceId("ws_other"), key_id="key_2", scopes=frozenset({"query"}), request_id="req_2")


def a_passage(
    text: str,
    *,
    document: str = "doc_a",
    ordinal: int = 0,
    title: str = "A page",
    headings: tuple[str, ...] = (),
    score: float = 0.5,
    dense: float = 0.5,
    lexical: float = 5.0,
    kind: str = PASSAGE,
) -> Passage:
    """Return a passage."""
    return Passage(
        chunk_id=f"{document}-{ordinal}",
        document_id=document,
        title=title,
        url=f"https://help.example/{document}",
        heading_path=headings,
        text=text,
        ordinal=ordinal,
        score=score,
        dense=dense,
        lexical=lexical,
        kind=kind,
        units=tuple(
            Unit(each.start, each.end, Kind(each.kind.value), each.block, each.heading, each.place)
            for each in units(text)
        ),
    )


PLANS = a_passage(
    "The Pro plan costs 12 euros a month. The Pro plan renews on the third day of each month. "
    "You can cancel it at any time in your account.",
    document="doc_plans",
    title="Plans and prices",
)
EXPORT = a_passage(
    "To export your notes, do this:\n\n- Open the settings.\n- Choose Export.\n- Pick a folder.\n",
    document="doc_export",
    title="Exporting notes",
)
TEAMS = a_passage(
    "Teams share notebooks. A team costs 9 euros a month for each member. Guests are free.",
    document="doc_teams",
    title="Teams",
)
SYNC = a_passage(
    "Sync keeps your notes on all devices. It needs an account.", document="doc_sync", title="Sync"
)


# The fake embedder's vectors are less alike than the model's, which the confidence was fitted on.
LEAST = 0.1


class World:
    """An `Asking` and the fakes around it; `ACME` has four pages."""

    def __init__(self, *, model: Model | None = None, min_confidence: float = LEAST) -> None:
        self.search = FakePassageSearch()
        self.search.add(ACME.workspace_id, [PLANS, EXPORT, TEAMS, SYNC], tags=["help"])
        self.transcripts = FakeTranscripts()
        self.outbox = FakeTurnOutbox()
        self.end_users = FakeEndUsers()
        self.clock = FakeClock()
        self.model = model or shipped_model()
        self.settings = FakeAnsweringStore()
        self.labelled = FakeLabelledScores()
        self.chat = FakeChatModel()
        self.outcomes = FakeOutcomes()
        self.counter = FakeQuestionCounter()
        self.rerankers = FakeRerankers()
        embedder = FakeEmbedder()
        calibrations = Calibrations(self.model, min_confidence, shipped_measurement(), self.labelled)
        self.asking = Asking(
            Retrieval(
                InstalledModels(Embedders(embedder)),
                self.search,
                Rewriting(self.chat, self.outcomes),
                self.rerankers,
            ),
            Judge(self.model, calibrations),
            Writing(Generation(self.chat, self.outcomes), EmbeddedSupport(embedder)),
            Transcript(self.transcripts, self.outbox),
            self.end_users,
            self.settings,
            calibrations,
            self.clock,
        )
