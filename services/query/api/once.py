"""The `Idempotency-Key` of a question."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import grpc
import structlog
from google.protobuf.message import Message
from prometheus_client import Counter
from supportagent.query.v1 import query_service_pb2 as pb

from services.kernel.errors import Unavailable
from services.query.api.shown_documents import shown_documents
from services.runtime.first_answers import Claim, FirstAnswers
from services.runtime.idempotency import IdempotencyScope, request_hash
from services.runtime.interceptors.caller import caller, request_header

NOT_KEPT = Counter("first_answers_not_kept_total", "Answers that a repeated request will not get.")

_LENGTH_BYTES = 4

_log = structlog.get_logger(__name__)


class Once:
    """Answers a question once: who repeats it with its key gets the first answer again."""

    def __init__(self, answers: FirstAnswers) -> None:
        self._answers = answers

    @contextmanager
    def attempt(self, request: Message, context: grpc.ServicerContext) -> Iterator["Attempt"]:
        """
        Begin to answer; left without `keep`, the key is free for another attempt: failures are not kept.

        Raises:
            IdempotencyKeyReused, IdempotencyKeyInFlight, InvalidArgument: as they say.
            Unavailable: whether it was answered before can't be told.
        """
        key = request_header(context, "idempotency-key")
        if not key:
            yield Attempt(self._answers)
            return
        who = caller(context)
        scope = IdempotencyScope(who.workspace_id, who.key_id, request.DESCRIPTOR.full_name, key)
        found = self._answers.claim(scope, request_hash(request.SerializeToString(deterministic=True)))
        if isinstance(found, bytes):
            yield Attempt(self._answers, first=_parts(found))
            return
        attempt = Attempt(self._answers, claim=found)
        try:
            yield attempt
        finally:
            attempt.end()


class Attempt:
    """
    One attempt to answer a question.

    `first` are the messages of the first answer, which is to be given again; None: there is none.
    """

    def __init__(
        self, answers: FirstAnswers, claim: Claim | None = None, first: Sequence[bytes] | None = None
    ) -> None:
        self.first = first
        self._answers = answers
        self._claim = claim
        self._messages: list[bytes] = []
        self._documents: set[str] = set()

    def told(self, message: pb.QueryResponse | pb.StreamQueryResponse) -> None:
        """Take a message of the answer; all of them, in order, are given again."""
        if self._claim is not None:
            self._messages.append(message.SerializeToString(deterministic=True))
            self._documents |= shown_documents(message)

    def keep(self) -> None:
        """
        The answer is whole; to be called before its end is told.

        Where it can't be kept, the caller has it all the same: it is worth more than the key's promise. So it
        is with an answer that shows a document which was deleted meanwhile.
        """
        claim, self._claim = self._claim, None
        if claim is None:
            return
        try:
            self._answers.keep(claim, _joined(self._messages), self._documents)
        except Unavailable:
            NOT_KEPT.inc()
            _log.warning("first_answer_not_kept")

    def end(self) -> None:
        """Free the key unless the answer was kept."""
        claim, self._claim = self._claim, None
        if claim is None:
            return
        try:
            self._answers.release(claim)
        except Unavailable:  # the lease ends
            _log.warning("claim_not_released")


def _joined(messages: Sequence[bytes]) -> bytes:
    return b"".join(len(each).to_bytes(_LENGTH_BYTES, "big") + each for each in messages)


def _parts(joined: bytes) -> list[bytes]:
    parts, place = [], 0
    while place < len(joined):
        begin = place + _LENGTH_BYTES
        place = begin + int.from_bytes(joined[place:begin], "big")
        parts.append(joined[begin:place])
    return parts
