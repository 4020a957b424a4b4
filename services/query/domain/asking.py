"""A question's way: check, recall, retrieve, compose, decide, store, reply."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.kernel.caller import Caller
from services.kernel.clock import Clock
from services.kernel.ids import new_id
from services.query.domain.answer import (
    LOW_CONFIDENCE,
    NO_RELEVANT_SOURCE,
    Answer,
    Citation,
    Confidence,
    Draft,
    Piece,
    Results,
    Source,
)
from services.query.domain.compose import compose, nearest
from services.query.domain.confidence import Model, features
from services.query.domain.conversation import AssistantMessage, Turn, UserMessage
from services.query.domain.extract import quotes
from services.query.domain.question import Dialogue, Lookup, Question, Said
from services.query.domain.ranking import documents
from services.query.domain.retrieval import CANDIDATES, Retrieval, Retrieved
from services.query.domain.transcript import Transcript

_DEFAULT_CHANNEL = "api"

_NOTHING_FOUND = "I couldn't find anything about that in the documentation."
_NOTHING_RELEVANT = (
    "I couldn't find an answer to that in the documentation. The pages listed as sources came nearest."
)
_NOT_SURE = "I'm not sure enough to answer that. The pages listed as sources may help."


@dataclass(frozen=True)
class SourcesFound:
    """What the answer will rest on, or what came nearest."""

    sources: tuple[Source, ...]


@dataclass(frozen=True)
class Delta:
    """A piece of the answer."""

    text: str


@dataclass(frozen=True)
class Completed:
    """The whole answer; it is stored."""

    answer: Answer


Event = SourcesFound | Delta | Citation | Completed


@dataclass(frozen=True)
class _Decided:
    """An answer, given or withheld, before it has a place in a conversation."""

    draft: Draft
    answered: bool
    reason: str
    confidence: Confidence
    revision: int


class Asking:
    """Answers questions and looks passages up."""

    def __init__(
        self, retrieval: Retrieval, transcript: Transcript, model: Model, min_confidence: float, clock: Clock
    ) -> None:
        """`min_confidence` applies where a question brings none."""
        self._retrieval = retrieval
        self._transcript = transcript
        self._model = model
        self._min_confidence = min_confidence
        self._clock = clock

    def answer(self, caller: Caller, question: Question) -> Answer:
        """
        Return the answer to a question, given or withheld; unless it says otherwise, the turn is stored.

        Raises:
            InvalidArgument, UserTokenRefused, ConversationNotFound: the question can't be asked so.
            Unavailable, DeadlineExceeded: no answer now.
        """
        asked_at = self._clock.now()
        return self._store(caller, question, self._decide(caller, question), asked_at)

    def stream(self, caller: Caller, question: Question) -> Iterator[Event]:
        """
        Yield the same as events: the sources, the text in pieces each with its citations, the whole.

        Whatever can refuse the question does so before the first event. Raises as `answer` does.
        """
        asked_at = self._clock.now()
        decided = self._decide(caller, question)
        yield SourcesFound(decided.draft.sources)
        for piece in decided.draft.pieces:
            yield Delta(piece.text)
            yield from piece.citations
        yield Completed(self._store(caller, question, decided, asked_at))

    def look_up(self, caller: Caller, lookup: Lookup) -> Results:
        """Return the passages for a question, best first; raises as `answer` does."""
        lookup.check()
        history = self._history(caller, lookup)
        limit = max(CANDIDATES, lookup.max_results)
        found = self._retrieval.find(caller, lookup, history, limit).found
        return Results(found.passages[: lookup.max_results], found.revision)

    def _history(self, caller: Caller, dialogue: Dialogue) -> list[Said]:
        if dialogue.conversation_id:
            return self._transcript.recent(caller, dialogue.conversation_id)
        return list(dialogue.history)

    def _decide(self, caller: Caller, question: Question) -> _Decided:
        question.check()
        history = self._history(caller, question)
        return self._judge(question, self._retrieval.find(caller, question, history))

    def _judge(self, question: Question, retrieved: Retrieved) -> _Decided:
        found = retrieved.found
        candidates = documents(found.passages, question.max_sources)
        quoted = quotes(retrieved.asked, candidates, found.passages)
        if not quoted:
            text = _NOTHING_RELEVANT if candidates else _NOTHING_FOUND
            withheld = Draft((Piece(text),), nearest(candidates))
            return _Decided(withheld, False, NO_RELEVANT_SOURCE, Confidence(0.0), found.revision)
        # By its own words: those of earlier turns would count as missing from the answer.
        score = self._model.score(features(question.message, found.passages, candidates, quoted))
        least = self._min_confidence if question.min_confidence is None else question.min_confidence
        if score >= least:
            return _Decided(compose(quoted, candidates), True, "", Confidence(score), found.revision)
        relevant = score >= self._model.relevant
        text = _NOT_SURE if relevant else _NOTHING_RELEVANT
        reason = LOW_CONFIDENCE if relevant else NO_RELEVANT_SOURCE
        withheld = Draft((Piece(text),), nearest(candidates))
        return _Decided(withheld, False, reason, Confidence(score), found.revision)

    def _store(self, caller: Caller, question: Question, decided: _Decided, asked_at: datetime) -> Answer:
        new = "" if question.conversation_id or not question.store else new_id("conv")
        answer = Answer(
            text=decided.draft.text,
            answered=decided.answered,
            reason=decided.reason,
            confidence=decided.confidence,
            sources=decided.draft.sources,
            citations=decided.draft.citations,
            conversation_id=question.conversation_id or new,
            # What is not stored has no message that an id could name; so equal answers are equal bytes.
            message_id=new_id("msg") if question.store else "",
            knowledge_revision=decided.revision,
        )
        if question.store:
            self._transcript.append(caller, _turn(question, answer, asked_at, self._clock.now()))
        return answer


def _turn(question: Question, answer: Answer, asked_at: datetime, answered_at: datetime) -> Turn:
    return Turn(
        conversation_id=answer.conversation_id,
        channel=question.channel or _DEFAULT_CHANNEL,
        metadata=dict(question.metadata),
        user=UserMessage(new_id("msg"), question.message, asked_at),
        assistant=AssistantMessage(
            id=answer.message_id,
            content=answer.text,
            created_at=answered_at,
            answered=answer.answered,
            reason=answer.reason,
            confidence=answer.confidence.score,
            level=answer.confidence.level,
            sources=answer.sources,
            actions=answer.actions,
            latency_ms=max(0, round((answered_at - asked_at) / timedelta(milliseconds=1))),
            answerer=answer.answerer,
        ),
    )
