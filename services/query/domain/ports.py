"""What the domain needs from outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.kernel.caller import Caller
from services.query.domain.conversation import Turn
from services.query.domain.end_user import EndUser
from services.query.domain.passage import Found
from services.query.domain.question import Filters, Said


@dataclass(frozen=True, eq=False)
class SearchQuery:
    """
    What to look for: the words, their vector of length 1 by an embedding `model`, and what may be found.

    `as_of`: in what the knowledge base held at this revision; None: in what it holds now.
    """

    text: str
    vector: NDArray[np.float32]
    model: str
    filters: Filters
    exact: bool
    as_of: int | None = None


class OtherModel(Exception):
    """The index is of another embedding model than the question's vector: of `model`."""

    def __init__(self, model: str) -> None:
        super().__init__(model)
        self.model = model


class QuestionEmbedder(Protocol):
    """Turns a question into a vector. Safe to share between threads."""

    @property
    def model(self) -> str:
        """The name of the space of its vectors; those of two names are never compared."""
        ...

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """
        Return the vector of length 1 of a question.

        Raises:
            Unavailable: the model could not be reached; safe to retry.
        """
        ...


class QuestionEmbedders(Protocol):
    """The embedding models of the installation. Safe to share between threads."""

    @property
    def present(self) -> QuestionEmbedder:
        """The one that new indexes are made with."""
        ...

    def of(self, model: str) -> QuestionEmbedder:
        """
        Return the embedder of a model.

        Raises:
            Unavailable: the installation does not have it.
        """
        ...


class PassageSearch(Protocol):
    """Finds passages. Safe to share between threads."""

    def search_each(self, caller: Caller, queries: Sequence[SearchQuery], limit: int) -> list[Found]:
        """
        Return at most `limit` passages, best first, for each of some questions of one model and revision.

        Passages of other workspaces are never returned, those of documents for authenticated users only where
        the filters say so. An empty result means "nothing matches".

        Raises:
            OtherModel: the index is of another model than the vectors.
            RevisionNotKept, InvalidArgument: what it held at `as_of` is gone, or is yet to come.
            Unavailable: the search could not be made; safe to retry.
            DeadlineExceeded: there was no time for it.
        """
        ...


class EndUsers(Protocol):
    """Tells end users by their tokens. Safe to share between threads."""

    def vouched(self, caller: Caller, user_token: str) -> EndUser:
        """
        Return whose a token of the caller's workspace is.

        Raises:
            UserTokenRefused: it is nobody's, for whatever reason.
            Unavailable: nobody could tell; safe to retry.
        """
        ...


class Conversations(Protocol):
    """Reads and continues transcripts. Safe to share between threads."""

    def history(
        self, caller: Caller, conversation_id: str, end_user: EndUser | None, limit: int
    ) -> list[Said]:
        """
        Return the newest messages of a conversation, at most `limit`, oldest first.

        `end_user` is who asks; None: nobody is known.

        Raises:
            ConversationNotFound: the workspace has none of that id, or it is bound to somebody else.
            Unavailable, DeadlineExceeded: not to be had within a short while.
        """
        ...

    def append(self, caller: Caller, turn: Turn) -> None:
        """
        Store a turn; one that is stored already changes nothing. The first end user's binds the conversation.

        Raises:
            ConversationNotFound: the conversation is bound to somebody else; nothing is stored.
            DomainError: it is not known to be stored.
        """
        ...


class TurnOutbox(Protocol):
    """Keeps turns that could not be stored yet, and delivers them later: each, once, in the order of their
    conversation, also after a restart."""

    def put(self, caller: Caller, turn: Turn) -> None:
        """Keep a turn. It is on disk when this returns."""
        ...

    def pending(self, caller: Caller, conversation_id: str) -> Sequence[Turn]:
        """Return the turns of a conversation of the caller's workspace that wait, oldest first."""
        ...


class Dependency(Protocol):
    """A part of the system that can be asked whether it is well."""

    def ready(self) -> bool:
        """Tell whether it answers and says that it can serve; never raises, returns within a second."""
        ...
