"""A chat model as the domain sees it: messages in, text out, or one of a few reasons why not."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from services.query.domain.settings.language_model import LanguageModel

SYSTEM, DATA = "system", "user"
"""The roles: our rules, and everything that others wrote."""


class Failure(StrEnum):
    """Why a language model gave nothing that can be used. The values are shown to those who tune it."""

    UNREACHABLE = "UNREACHABLE"  # no connection, or it broke before the first word
    AUTHENTICATION = "AUTHENTICATION"  # the key was refused
    RATE_LIMITED = "RATE_LIMITED"
    SERVER_ERROR = "SERVER_ERROR"
    REFUSED = "REFUSED"  # the request was turned down: see the settings
    TIMEOUT = "TIMEOUT"  # it hung, or there was no time left
    INTERRUPTED = "INTERRUPTED"  # the answer broke off
    BUSY = "BUSY"  # too many answers are being waited for in this process
    OVER_BUDGET = "OVER_BUDGET"  # more tokens than the workspace allows
    FILTERED = "FILTERED"  # the endpoint's own filter, or the model declined
    MALFORMED = "MALFORMED"  # no answer of the protocol
    EMPTY = "EMPTY"
    NO_ANSWER = "NO_ANSWER"  # the model says that the passages do not hold it
    UNSUPPORTED = "UNSUPPORTED"  # most of what it said is not in the passages


class ChatFailed(Exception):
    """A model gave nothing usable. Carries neither the endpoint's words nor anything of the request."""

    def __init__(self, reason: Failure) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True)
class Message:
    """One message: `role` is SYSTEM or DATA."""

    role: str
    content: str


@dataclass(frozen=True)
class ChatRequest:
    """
    What is asked of a model.

    `seconds` is how long the whole may take, retries included. `seed` is None where chance is welcome.
    """

    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float
    seed: int | None
    seconds: float


class ChatModel(Protocol):
    """Talks to whatever model a workspace has configured. Safe to share between threads."""

    def stream(self, model: LanguageModel, request: ChatRequest) -> Iterator[str]:
        """
        Yield the answer as it comes, in pieces of any size; closing the iterator ends the request.

        Retries happen before the first piece only. Ends without an error only where the model came to an end
        by itself.

        Raises:
            ChatFailed: OVER_BUDGET where the token limit cut the answer off; else why it failed.
        """
        ...

    def complete(self, model: LanguageModel, request: ChatRequest) -> str:
        """
        Return a whole answer at once.

        Raises:
            ChatFailed: as for `stream`.
        """
        ...


class Outcomes(Protocol):
    """Counts what became of calls to models."""

    def ended(self, task: str, failure: Failure | None) -> None:
        """Count one: `task` is answer or rewrite, None means that it was of use."""
        ...


def bounded_seconds(model: LanguageModel, seconds: float | None) -> float:
    """
    Return the time for a call: the model's own, or less where whoever asks waits less long.

    Raises:
        ChatFailed: TIMEOUT, nobody waits any more.
    """
    bound = model.timeout_seconds if seconds is None else min(model.timeout_seconds, seconds)
    if bound <= 0:
        raise ChatFailed(Failure.TIMEOUT)
    return bound
