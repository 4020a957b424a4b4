"""What reasoning models think aloud before they answer."""

from collections.abc import Iterable, Iterator

_THINKS, _THOUGHT = "<think>", "</think>"


def without_thoughts(pieces: Iterable[str]) -> Iterator[str]:
    """Yield a model's text without what it thinks aloud at its beginning."""
    held = ""
    thinking: bool | None = None
    for piece in pieces:
        if thinking is False:
            yield piece
            continue
        held += piece
        begun = held.lstrip()
        if thinking is None and not _THINKS.startswith(begun[: len(_THINKS)]):
            thinking = False
            yield held
        elif begun.startswith(_THINKS):
            thinking = True
            _, end, rest = begun.partition(_THOUGHT)
            if end:
                thinking = False
                yield rest
    if thinking is None:
        yield held
