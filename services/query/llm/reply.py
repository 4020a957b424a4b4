"""Text out of what an endpoint answered, whose form nobody has checked."""

from collections.abc import Iterator
from typing import Any

from services.embedding.domain.surrogates import without_surrogates
from services.query.domain.generation.chat import ChatFailed, Failure

_FILTERED = "content_filter"
_LIMIT = "length"


def streamed(chunks: Iterator[Any], most: int) -> Iterator[str]:
    """
    Yield the text of a stream of chunks, at most `most` characters of it.

    Raises:
        ChatFailed: it was filtered, cut off, not ended or no stream of the protocol.
    """
    finish, length, any_chunk = "", 0, False
    for chunk in chunks:
        any_chunk = True
        choice = _first(chunk)
        if choice is None:
            continue  # usage and the like come without a choice
        delta = getattr(choice, "delta", None)
        if getattr(delta, "refusal", None):
            raise ChatFailed(Failure.FILTERED)
        text = _text(getattr(delta, "content", None))
        finish = getattr(choice, "finish_reason", None) or finish
        length += len(text)
        if length > most:
            raise ChatFailed(Failure.OVER_BUDGET)
        if text:
            yield text
    if not any_chunk:
        raise ChatFailed(Failure.EMPTY)
    _check_finish(finish)


def complete(completion: Any, most: int) -> str:
    """
    Return the text of a whole answer.

    Raises:
        ChatFailed: as for `streamed`.
    """
    choice = _first(completion)
    if choice is None:
        raise ChatFailed(Failure.MALFORMED)
    message = getattr(choice, "message", None)
    if getattr(message, "refusal", None):
        raise ChatFailed(Failure.FILTERED)
    text = _text(getattr(message, "content", None))
    _check_finish(getattr(choice, "finish_reason", None) or "")
    if len(text) > most:
        raise ChatFailed(Failure.OVER_BUDGET)
    return text


def _first(answer: Any) -> Any | None:
    choices = getattr(answer, "choices", None)
    if choices is None or not isinstance(choices, list):
        raise ChatFailed(Failure.MALFORMED)
    return choices[0] if choices else None


def _text(content: Any) -> str:
    if content is None:
        return ""
    if not isinstance(content, str):
        raise ChatFailed(Failure.MALFORMED)
    return without_surrogates(content)


def _check_finish(finish: Any) -> None:
    if finish == _LIMIT:
        raise ChatFailed(Failure.OVER_BUDGET)
    if finish == _FILTERED:
        raise ChatFailed(Failure.FILTERED)
    if not finish:
        # A connection that is closed politely in the middle of a sentence.
        raise ChatFailed(Failure.INTERRUPTED)
