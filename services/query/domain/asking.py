"""A question's way: check, recall, retrieve, judge, write, store, reply."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.kernel.caller import Caller
from services.kernel.clock import Clock
from services.kernel.ids import new_id
from services.query.domain.answer import Answer, Citation, Piece, Results, Source
from services.query.domain.confidence.calibrations import Calibrations
from services.query.domain.conversation import AssistantMessage, Turn, UserMessage
from services.query.domain.end_user import EndUser
from services.query.domain.errors import ExplanationRefused, PastRefused
from services.query.domain.escalation import asks_for_person
from services.query.domain.explanation import ExplainedPassage, Explanation
from services.query.domain.judging import Judge, Judgement
from services.query.domain.ports import EndUsers
from services.query.domain.question import Dialogue, Lookup, Question, Said
from services.query.domain.retrieval.retrieval import CANDIDATES, Retrieval, Retrieved
from services.query.domain.settings.answering import Answering, AnsweringSettings
from services.query.domain.stages import Stages
from services.query.domain.transcript import Transcript
from services.query.domain.writing import Writing, Written

_DEFAULT_CHANNEL = "api"


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
    """What is to be answered, before it is written and has a place in a conversation."""

    end_user: EndUser | None
    history: Sequence[Said]
    retrieved: Retrieved
    judgement: Judgement
    answering: Answering
    stages: Stages


class Asking:
    """Answers questions and looks passages up."""

    def __init__(
        self,
        retrieval: Retrieval,
        judge: Judge,
        writing: Writing,
        transcript: Transcript,
        end_users: EndUsers,
        answering: AnsweringSettings,
        calibrations: Calibrations,
        clock: Clock,
    ) -> None:
        self._retrieval = retrieval
        self._judge = judge
        self._writing = writing
        self._transcript = transcript
        self._end_users = end_users
        self._answering = answering
        self._calibrations = calibrations
        self._clock = clock

    def answer(self, caller: Caller, question: Question, seconds: float | None = None) -> Answer:
        """
        Return the answer to a question, given or withheld; unless it says otherwise, the turn is stored.

        `seconds` is how long the caller waits.

        Raises:
            InvalidArgument, ExplanationRefused, PastRefused, UserTokenRefused, ConversationNotFound,
                RevisionNotKept: the question can't be asked so.
            Unavailable, DeadlineExceeded: no answer now.
        """
        asked_at = self._clock.now()
        decided = self._decide(caller, question, seconds)
        written = self._written(question, decided, seconds)
        return self._store(caller, question, decided, written, asked_at)

    def stream(self, caller: Caller, question: Question, seconds: float | None = None) -> Iterator[Event]:
        """
        Yield the same as events: the sources, the text in pieces each with its citations, the whole.

        Whatever can refuse the question does so before the first event. Raises as `answer` does.
        """
        asked_at = self._clock.now()
        decided = self._decide(caller, question, seconds)
        yield SourcesFound(decided.judgement.draft.sources)
        written = Written(decided.judgement.answerer)
        for piece in self._pieces(question, decided, written, seconds):
            yield Delta(piece.text)
            yield from piece.citations
        yield Completed(self._store(caller, question, decided, written, asked_at))

    def look_up(self, caller: Caller, lookup: Lookup, seconds: float | None = None) -> Results:
        """Return the passages for a question, best first; raises as `answer` does."""
        _check(caller, lookup)
        end_user = self._end_user(caller, lookup)
        history = self._history(caller, lookup, end_user)
        found = self._retrieval.find(
            caller,
            _opened(lookup, end_user),
            history,
            self._answering.get(caller.workspace_id),
            Stages(),
            limit=max(CANDIDATES, lookup.max_results),
            seconds=seconds,
        ).found
        return Results(found.passages[: lookup.max_results], found.revision)

    def _end_user(self, caller: Caller, dialogue: Dialogue) -> EndUser | None:
        """Return who asks; without a token nobody is known. A token that nobody vouches for ends it here."""
        return self._end_users.vouched(caller, dialogue.user_token) if dialogue.user_token else None

    def _history(self, caller: Caller, dialogue: Dialogue, end_user: EndUser | None) -> list[Said]:
        if dialogue.conversation_id:
            return self._transcript.recent(caller, dialogue.conversation_id, end_user)
        return list(dialogue.history)

    def _decide(self, caller: Caller, question: Question, seconds: float | None) -> _Decided:
        if question.explain and caller.publishable:
            raise ExplanationRefused
        _check(caller, question)
        stages = Stages()
        answering = self._answering.get(caller.workspace_id)
        end_user = self._end_user(caller, question)
        with stages.of("history"):
            history = self._history(caller, question, end_user)
        retrieved = self._retrieval.find(
            caller, _opened(question, end_user), history, answering, stages, seconds=seconds
        )
        with stages.of("answer"):
            judgement = self._judge.judge(
                question.message,
                retrieved,
                answering,
                self._calibrations.of(caller.workspace_id),
                max_sources=question.max_sources,
                min_confidence=question.min_confidence,
            )
        return _Decided(end_user, history, retrieved, judgement, answering, stages)

    def _written(self, question: Question, decided: _Decided, seconds: float | None) -> Written:
        written = Written(decided.judgement.answerer)
        for _ in self._pieces(question, decided, written, seconds, at_once=True):
            pass
        return written

    def _pieces(
        self,
        question: Question,
        decided: _Decided,
        written: Written,
        seconds: float | None,
        *,
        at_once: bool = False,
    ) -> Iterator[Piece]:
        model = decided.answering.language_model
        if model is None or not decided.judgement.is_extract:
            yield from written.add_text(decided.judgement.draft.pieces)
            return
        with decided.stages.of("generate"):
            yield from self._writing.pieces(
                question,
                decided.history,
                decided.judgement,
                model,
                written,
                decided.stages.left(seconds),
                at_once=at_once,
            )

    def _store(
        self, caller: Caller, question: Question, decided: _Decided, written: Written, asked_at: datetime
    ) -> Answer:
        judgement = decided.judgement
        new = "" if question.conversation_id or not question.store else new_id("conv")
        answer = Answer(
            text=written.text,
            answered=judgement.answered,
            reason=judgement.reason,
            confidence=judgement.confidence,
            sources=judgement.draft.sources,
            citations=written.citations,
            conversation_id=question.conversation_id or new,
            # What is not stored has no message that an id could name; so equal answers are equal bytes.
            message_id=new_id("msg") if question.store else "",
            knowledge_revision=decided.retrieved.found.revision,
            answerer=written.answerer,
            escalation_suggested=not judgement.answered or asks_for_person(question.message),
        )
        if question.store:
            turn = _turn(question, answer, decided.end_user, asked_at, self._clock.now())
            self._transcript.append(caller, turn)
        if question.explain:
            return replace(answer, explanation=_explanation(decided, written))
        return answer


def _explanation(decided: _Decided, written: Written) -> Explanation:
    judgement = decided.judgement
    used = {judgement.passages[each.source_index - 1].chunk_id for each in written.citations}
    return Explanation(
        question=decided.retrieved.asked,
        passages=tuple(
            ExplainedPassage(
                document_id=each.document_id,
                chunk_id=each.chunk_id,
                title=each.title,
                heading_path=each.heading_path,
                kind=each.kind,
                score=each.shown_score,
                dense=each.dense,
                lexical=each.lexical,
                best_sentence=each.best_sentence,
                used=each.chunk_id in used,
            )
            for each in decided.retrieved.found.passages
        ),
        features=judgement.features or {},
        thresholds=judgement.thresholds,
        milliseconds=decided.stages.milliseconds(),
        fallback=written.fallback,
    )


def _check(caller: Caller, dialogue: Dialogue) -> None:
    if dialogue.knowledge_revision is not None and caller.publishable:
        raise PastRefused
    dialogue.check()


def _opened(dialogue: Dialogue, end_user: EndUser | None) -> Dialogue:
    """Return the dialogue with the filters that its end user has."""
    return replace(dialogue, filters=replace(dialogue.filters, authenticated=end_user is not None))


def _turn(
    question: Question, answer: Answer, end_user: EndUser | None, asked_at: datetime, answered_at: datetime
) -> Turn:
    return Turn(
        conversation_id=answer.conversation_id,
        channel=question.channel or _DEFAULT_CHANNEL,
        metadata=dict(question.metadata),
        end_user=end_user,
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
