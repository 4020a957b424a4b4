"""From a question to passages, in the light of what was said before it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from services.kernel.caller import Caller
from services.kernel.sentences import sentences
from services.query.domain.generation.rewriting import Rewriting
from services.query.domain.passage import Found
from services.query.domain.ports import PassageSearch, QuestionEmbedder, SearchQuery
from services.query.domain.question import Dialogue, Said
from services.query.domain.retrieval import follow_up
from services.query.domain.retrieval.ranking import ranked, reordered
from services.query.domain.retrieval.reranking import Reranker, Rerankers, reranked
from services.query.domain.settings.answering import Answering
from services.query.domain.stages import Stages

# More than are shown: the rest tells what the best ones stand out from.
CANDIDATES = 24
# What the models read well at once; of 256 tokens and more the rest would be lost.
_WINDOW_WORDS = 100


@dataclass(frozen=True)
class Retrieved:
    """Passages, best first, and `asked`: the words to look for in them."""

    found: Found
    asked: str


class Retrieval:
    """Finds the passages for a question."""

    def __init__(
        self,
        embedder: QuestionEmbedder,
        search: PassageSearch,
        rewriting: Rewriting,
        rerankers: Rerankers,
        reranker: Reranker | None = None,
    ) -> None:
        """`reranker` is for workspaces without one of their own."""
        self._embedder = embedder
        self._search = search
        self._rewriting = rewriting
        self._rerankers = rerankers
        self._reranker = reranker

    def find(
        self,
        caller: Caller,
        dialogue: Dialogue,
        history: Sequence[Said],
        answering: Answering,
        stages: Stages,
        *,
        limit: int = CANDIDATES,
        seconds: float | None = None,
    ) -> Retrieved:
        """
        Return at most `limit` passages for the last turn of a dialogue.

        `seconds` is how long the caller waits, from the beginning of the stages.

        Raises:
            Unavailable, DeadlineExceeded: the search or the model did not answer.
        """
        retrieved = self._find(caller, dialogue, history, answering, stages, limit, seconds)
        own = answering.reranker
        reranker = self._reranker if own is None else self._rerankers.of(own)
        if reranker is None:
            return retrieved
        with stages.of("rerank"):
            passages = reranked(retrieved.asked, retrieved.found.passages, reranker)
        return replace(retrieved, found=replace(retrieved.found, passages=passages))

    def _find(
        self,
        caller: Caller,
        dialogue: Dialogue,
        history: Sequence[Said],
        answering: Answering,
        stages: Stages,
        limit: int,
        seconds: float | None,
    ) -> Retrieved:
        message = dialogue.message
        in_context = follow_up.in_context(message, history)
        if not in_context:
            return Retrieved(self._look_for(caller, dialogue, message, limit, stages), message)
        if answering.language_model is not None:
            with stages.of("rewrite"):
                standalone = self._rewriting.standalone(
                    message, history, answering.language_model, stages.left(seconds)
                )
            if standalone is not None:
                return Retrieved(self._look_for(caller, dialogue, standalone, limit, stages), standalone)
        alone = self._look_for(caller, dialogue, message, limit, stages)
        behind = self._look_for(caller, dialogue, in_context, limit, stages)
        found = follow_up.mixed(alone, behind, follow_up.earlier_weight(message))
        asked = in_context if follow_up.leans(message) else message
        return Retrieved(replace(found, passages=tuple(ranked(found.passages)[:limit])), asked)

    def _look_for(self, caller: Caller, dialogue: Dialogue, text: str, limit: int, stages: Stages) -> Found:
        with stages.of("embed"):
            vector = self._vector(text)
        with stages.of("search"):
            query = SearchQuery(text, vector, dialogue.filters, dialogue.exact)
            found = self._search.search(caller, query, limit)
        with stages.of("rank"):
            return replace(found, passages=tuple(reordered(text, found.passages)))

    def _vector(self, text: str) -> NDArray[np.float32]:
        """Return the vector of a question; of a long one, the mean direction of its parts."""
        parts = windows(text)
        if len(parts) < 2:
            return self._embedder.embed_query(text)
        mean = np.mean([self._embedder.embed_query(part) for part in parts], axis=0)
        length = float(np.linalg.norm(mean))
        return self._embedder.embed_query(text) if length == 0 else np.asarray(mean / length, np.float32)


def windows(text: str) -> list[str]:
    """Return whole sentences of a text, put together to at most 100 words where a sentence is no longer."""
    if text.count(" ") < _WINDOW_WORDS:
        return [text]
    found: list[str] = []
    words: list[str] = []
    for start, end in sentences(text):
        more = text[start:end].split()
        if words and len(words) + len(more) > _WINDOW_WORDS:
            found.append(" ".join(words))
            words = []
        words += more
    return [*found, " ".join(words)] if words else found or [text]
