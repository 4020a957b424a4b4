"""Callers and processes that do again what a death has cut short."""

from collections.abc import Callable, Iterator

from services.kernel.errors import DomainError
from services.knowledge.domain.errors import (
    DocumentNotFound,
    NothingToRetry,
    OperationFinished,
    ReindexRunning,
)
from services.knowledge.domain.ports.store import Store
from tests.fakes.failing_embedder import Killed

Action = Callable[[Store], object]
# What a caller who repeats a request takes for its success: it was done before the answer got lost.
_DONE = (DocumentNotFound, ReindexRunning, OperationFinished, NothingToRetry)


def run(actions: Iterator[Action], store: Store, sound: Store) -> bool:
    """
    Do one thing after the other until the process dies; then do the same again and the rest on a sound one.

    Returns whether it survived.
    """
    survived = True
    for act in actions:
        try:
            act(store if survived else sound)
        except Killed:
            survived = False
            act(sound)
    return survived


def insisting(act: Action) -> Action:
    """Take a refusal for the answer that got lost, when it is a repeated request."""
    tried = 0

    def again(store: Store) -> None:
        nonlocal tried
        tried += 1
        try:
            act(store)
        except DomainError as error:
            if tried == 1 or not isinstance(error, _DONE):
                raise

    return again
