"""From a question to passages, in the light of what was said before it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.kernel.caller import Caller
from services.query.domain import follow_up
from services.query.domain.passage import Found
from services.query.domain.ports import PassageSearch, QuestionEmbedder, SearchQuery
from services.query.domain.question import Dialogue, Said
from services.query.domain.ranking import ranked

# More than are shown: the rest tells what the best ones stand out from.
CANDIDATES = 24


@dataclass(frozen=True)
class Retrieved:
    """Passages, best first, and `asked`: the words to look for in them."""

    found: Found
    asked: str


class Retrieval:
    """Finds the passages for a question."""

    def __init__(self, embedder: QuestionEmbedder, search: PassageSearch) -> None:
        self._embedder = embedder
        self._search = search

    def find(
        self, caller: Caller, dialogue: Dialogue, history: Sequence[Said], limit: int = CANDIDATES
    ) -> Retrieved:
        """
        Return at most `limit` passages for the last turn of a dialogue.

        Raises:
            Unavailable, DeadlineExceeded: the search or the model did not answer.
        """
        in_context = follow_up.in_context(dialogue.message, history)
        if not in_context:
            return Retrieved(self._look_for(caller, dialogue, dialogue.message, limit), dialogue.message)
        alone = self._look_for(caller, dialogue, dialogue.message, 2 * limit)
        behind = self._look_for(caller, dialogue, in_context, 2 * limit)
        found = follow_up.mixed(alone, behind, follow_up.earlier_weight(dialogue.message))
        asked = in_context if follow_up.leans(dialogue.message) else dialogue.message
        return Retrieved(replace(found, passages=tuple(ranked(found.passages)[:limit])), asked)

    def _look_for(self, caller: Caller, dialogue: Dialogue, text: str, limit: int) -> Found:
        vector = self._embedder.embed_query(text)
        query = SearchQuery(text, vector, dialogue.filters, dialogue.exact)
        return self._search.search(caller, query, limit)
