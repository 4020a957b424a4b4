"""What the tests of questions start from."""

from services.kernel.caller import Caller
from services.kernel.ids import WorkspaceId
from services.query.domain.asking import Asking
from services.query.domain.confidence import Model, shipped_model
from services.query.domain.passage import Passage
from services.query.domain.retrieval import Retrieval
from services.query.domain.transcript import Transcript
from tests.fakes.clock import FakeClock
from tests.fakes.embedder import FakeEmbedder
from tests.fakes.passage_search import FakePassageSearch
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


class World:
    """An `Asking` and the fakes around it; `ACME` has four pages."""

    def __init__(self, *, model: Model | None = None, min_confidence: float | None = None) -> None:
        self.search = FakePassageSearch()
        self.search.add(ACME.workspace_id, [PLANS, EXPORT, TEAMS, SYNC], tags=["help"])
        self.transcripts = FakeTranscripts()
        self.outbox = FakeTurnOutbox()
        self.clock = FakeClock()
        self.model = model or shipped_model()
        self.asking = Asking(
            Retrieval(FakeEmbedder(), self.search),
            Transcript(self.transcripts, self.outbox),
            self.model,
            self.model.threshold if min_confidence is None else min_confidence,
            self.clock,
        )
