"""Conversations and the turns that they grow by."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import isfinite

from services.conversations.domain.end_user import EndUser
from services.conversations.domain.errors import ConversationNotFound
from services.conversations.domain.message import Message, Role
from services.kernel.errors import InvalidArgument, Violation

PREVIEW_LENGTH = 200
# Ids come from the query service; the bound keeps a caller's mistake out of the index.
MAX_ID_LENGTH = 64


@dataclass(frozen=True)
class Turn:
    """
    A question and its answer.

    The assistant's message id is the turn's: a turn whose id is stored is stored.
    """

    conversation_id: str
    channel: str
    metadata: Mapping[str, str]
    question: Message
    answer: Message
    # Who asked; None: nobody whom access has vouched for.
    end_user: EndUser | None = None

    def check(self) -> None:
        """
        Hold the turn against the rules.

        Raises:
            InvalidArgument: with each rule that it breaks.
        """
        violations = []
        for pointer, text, prefix in (
            ("/conversation_id", self.conversation_id, "conv_"),
            ("/user_message/id", self.question.id, "msg_"),
            ("/assistant_message/id", self.answer.id, "msg_"),
        ):
            if not is_id(text, prefix):
                violations.append(Violation(pointer, f"must be an id that begins with {prefix}"))
        if self.question.id == self.answer.id:
            violations.append(Violation("/assistant_message/id", "must differ from the question's"))
        if self.question.role is not Role.USER:
            violations.append(Violation("/user_message/role", "must be user"))
        if self.answer.role is not Role.ASSISTANT:
            violations.append(Violation("/assistant_message/role", "must be assistant"))
        if self.answer.answered is None:
            violations.append(Violation("/assistant_message/answered", "must be given"))
        if not all(isfinite(score) for score in self.answer.scores):
            violations.append(Violation("/assistant_message", "its scores must be finite numbers"))
        if self.end_user is not None:
            violations += self.end_user.violations("/end_user")
        if violations:
            raise InvalidArgument.of(violations)


@dataclass(frozen=True)
class Conversation:
    """
    A conversation without its messages.

    `answered` is False once a question in it was not answered, and stays so. `end_user` is the first one who
    spoke in it, None where nobody has yet: from then on nobody else goes on with it.
    """

    id: str
    channel: str
    created_at: datetime
    updated_at: datetime
    end_user: EndUser | None = None
    answered: bool = True
    message_count: int = 0
    preview: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def begin(cls, turn: Turn) -> "Conversation":
        """Return the conversation that a turn begins, still without the turn."""
        return cls(
            id=turn.conversation_id,
            channel=turn.channel,
            created_at=turn.question.created_at,
            updated_at=turn.question.created_at,
            preview=turn.question.content[:PREVIEW_LENGTH],
        )

    @property
    def user_id(self) -> str:
        """The subject whom it is bound to; empty: nobody."""
        return "" if self.end_user is None else self.end_user.subject

    def check_open_to(self, end_user: EndUser | None) -> None:
        """Raise ConversationNotFound where it is bound to somebody else."""
        if self.end_user is not None and self.end_user != end_user:
            raise ConversationNotFound

    def after(self, turn: Turn) -> "Conversation":
        """
        Return the conversation with one turn more.

        Raises:
            ConversationNotFound: it is bound to somebody else.
        """
        self.check_open_to(turn.end_user)
        return replace(
            self,
            # The same as before, or the first.
            end_user=turn.end_user,
            updated_at=max(self.updated_at, turn.answer.created_at),
            answered=self.answered and turn.answer.answered is True,
            message_count=self.message_count + 2,
            metadata={**self.metadata, **turn.metadata},
        )


@dataclass(frozen=True)
class Transcript:
    """A conversation with all that was said in it, oldest first."""

    conversation: Conversation
    messages: list[Message]


def is_id(text: str, prefix: str) -> bool:
    """Whether a text can be an id of that prefix."""
    rest = text.removeprefix(prefix)
    return len(text) <= MAX_ID_LENGTH and rest != text and rest.isascii() and rest.isalnum()
