"""From a question to passages, in the light of what was said before it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from services.kernel.caller import Caller
from services.kernel.errors import Unavailable
from services.kernel.sentences import sentences
from services.query.domain.generation.rewriting import Rewriting
from services.query.domain.passage import Found
from services.query.domain.ports import (
    OtherModel,
    PassageSearch,
    QuestionEmbedder,
    QuestionEmbedders,
    SearchQuery,
)
from services.query.domain.question import Dialogue, Said
from services.query.domain.retrieval import follow_up
from services.query.domain.retrieval.index_models import IndexModels
from services.query.domain.retrieval.ranking import ranked, reordered
from services.query.domain.retrieval.reranking import Reranker, Rerankers, reranked
from services.query.domain.settings.answering import Answering
from services.query.domain.stages import Stages

# More than are shown: the rest tells what the best ones stand out from.
CANDIDATES = 24
# What the models read well at once; of 256 tokens and more the rest would be lost.
_WINDOW_WORDS = 100
# One for what is, and one more for each switch of the index meanwhile: two do not follow so fast.
_ATTEMPTS = 4


@dataclass(frozen=True)
class Retrieved:
    """Passages, best first, and `asked`: the words to look for in them."""

    found: Found
    asked: str


class Retrieval:
    """Finds the passages for a question."""

    def __init__(
        self,
        embedders: QuestionEmbedders,
        search: PassageSearch,
        rewriting: Rewriting,
        rerankers: Rerankers,
        reranker: Reranker | None = None,
    ) -> None:
        """`reranker` is for workspaces without one of their own."""
        self._models = IndexModels(embedders)
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
            RevisionNotKept, InvalidArgument: what the knowledge base held then is gone, or is yet to come.
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
            (found,) = self._look_for(caller, dialogue, [message], limit, stages)
            return Retrieved(found, message)
        if answering.language_model is not None:
            with stages.of("rewrite"):
                standalone = self._rewriting.standalone(
                    message, history, answering.language_model, stages.left(seconds)
                )
            if standalone is not None:
                (found,) = self._look_for(caller, dialogue, [standalone], limit, stages)
                return Retrieved(found, standalone)
        alone, behind = self._look_for(caller, dialogue, [message, in_context], limit, stages)
        found = follow_up.mixed(alone, behind, follow_up.earlier_weight(message))
        asked = in_context if follow_up.leans(message) else message
        return Retrieved(replace(found, passages=tuple(ranked(found.passages)[:limit])), asked)

    def _look_for(
        self, caller: Caller, dialogue: Dialogue, texts: Sequence[str], limit: int, stages: Stages
    ) -> list[Found]:
        """Return what is found for each text, in one and the same generation of the index."""
        every = self._searched(caller, dialogue, texts, limit, stages)
        with stages.of("rank"):
            return [
                replace(found, passages=tuple(reordered(text, found.passages)))
                for text, found in zip(texts, every, strict=True)
            ]

    def _searched(
        self, caller: Caller, dialogue: Dialogue, texts: Sequence[str], limit: int, stages: Stages
    ) -> list[Found]:
        embedder = self._models.of(caller.workspace_id)
        for _ in range(_ATTEMPTS):
            with stages.of("embed"):
                queries = [_query(embedder, text, dialogue) for text in texts]
            try:
                with stages.of("search"):
                    every = self._search.search_each(caller, queries, limit)
            except OtherModel as other:
                embedder = self._models.named(other.model)
                continue
            if dialogue.knowledge_revision is None:
                self._models.found(caller.workspace_id, embedder)
            if len({found.generation for found in every}) == 1:
                return every
        raise Unavailable("The search index was replaced while the question was answered.")


def _query(embedder: QuestionEmbedder, text: str, dialogue: Dialogue) -> SearchQuery:
    return SearchQuery(
        text=text,
        vector=_vector(embedder, text),
        model=embedder.model,
        filters=dialogue.filters,
        exact=dialogue.exact,
        as_of=dialogue.knowledge_revision,
    )


def _vector(embedder: QuestionEmbedder, text: str) -> NDArray[np.float32]:
    """Return the vector of a question; of a long one, the mean direction of its parts."""
    parts = windows(text)
    if len(parts) < 2:
        return embedder.embed_query(text)
    mean = np.mean([embedder.embed_query(part) for part in parts], axis=0)
    length = float(np.linalg.norm(mean))
    return embedder.embed_query(text) if length == 0 else np.asarray(mean / length, np.float32)


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
