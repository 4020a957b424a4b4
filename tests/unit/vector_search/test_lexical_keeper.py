"""A lexical index that is made anew while it is used."""

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from services.vector_search.domain.errors import StoreUnavailable
from services.vector_search.domain.vectors import Slots
from services.vector_search.index.lexical import Question
from services.vector_search.index.lexical_index import LexicalIndex
from services.vector_search.index.lexical_keeper import LexicalKeeper
from services.vector_search.index.read_write_lock import ReadWriteLock
from services.vector_search.storage.index_folder import IndexFolder

WORDS = ["router", "invoice", "password"]


@pytest.fixture
def changing() -> threading.Lock:
    """Return what whoever changes the collection holds."""
    return threading.Lock()


@pytest.fixture
def keeper(tmp_path: Path, changing: threading.Lock) -> LexicalKeeper:
    """Return a keeper of three passages on disk, slots 1 to 3."""
    cache = IndexFolder(tmp_path / "1-a.index")
    keeper = LexicalKeeper(cache, changing, ReadWriteLock())
    index = LexicalIndex(cache.new_words())
    keeper.take(index, index.update(slots(), enumerate(WORDS, 1)))
    return keeper


def slots(*numbers: int) -> Slots:
    """Return slots."""
    return np.array(numbers, dtype=np.int64)


def found(keeper: LexicalKeeper, word: str) -> list[int]:
    """Return the slots that have a word."""
    question = Question.of(word)
    assert question is not None
    found: list[int] = keeper.view.best(question, 10).slots.tolist()
    return found


def change(
    keeper: LexicalKeeper, changing: threading.Lock, gone: Slots, words: list[tuple[int, str]]
) -> None:
    """Change the collection."""
    with changing:
        keeper.show(keeper.update(gone, words))


def renew(keeper: LexicalKeeper, words: Iterator[tuple[int, str]]) -> None:
    """Make it anew of some words."""
    keeper.renew(lambda: words, wanted=lambda: True, on_disk=lambda: True)


def test_it_is_made_anew_of_what_lives(keeper: LexicalKeeper, changing: threading.Lock) -> None:
    """Nothing of what is gone is left in it, and it lies in another folder."""
    change(keeper, changing, slots(2), [])
    before = keeper.folder
    assert keeper.dead == 1
    renew(keeper, iter([(1, "router"), (3, "password")]))
    assert (keeper.dead, found(keeper, "invoice"), found(keeper, "router")) == (0, [], [1])
    assert keeper.folder != before


def test_what_changes_meanwhile_is_made_up_for(keeper: LexicalKeeper, changing: threading.Lock) -> None:
    """While it is read, passages come and go; those that went are what is still to be erased."""

    def words() -> Iterator[tuple[int, str]]:
        yield 1, "router"
        change(keeper, changing, slots(3), [(4, "zebra")])
        assert (found(keeper, "password"), found(keeper, "zebra")) == ([], [4])
        yield 3, "password"

    renew(keeper, words())
    assert [found(keeper, each) for each in ("router", "password", "zebra", "invoice")] == [[1], [], [4], []]
    assert keeper.dead == 1
    change(keeper, changing, slots(4), [(5, "zebra")])
    assert found(keeper, "zebra") == [5]


def test_it_serves_on_where_it_can_t_be_made_anew(keeper: LexicalKeeper, changing: threading.Lock) -> None:
    """What goes wrong leaves what there is, with all that changed meanwhile."""

    def words() -> Iterator[tuple[int, str]]:
        yield 1, "router"
        change(keeper, changing, slots(), [(4, "zebra")])
        raise StoreUnavailable("the disk is full")

    before = keeper.folder
    with pytest.raises(StoreUnavailable):
        renew(keeper, words())
    assert keeper.folder == before
    assert [found(keeper, each) for each in ("invoice", "zebra")] == [[2], [4]]
    renew(keeper, iter([(1, "router"), (4, "zebra")]))
    assert [found(keeper, each) for each in ("invoice", "zebra")] == [[], [4]]


def test_stopping_ends_it(keeper: LexicalKeeper) -> None:
    """A collection that is closed waits for no words, and nothing is made after that."""
    begun, stopped = threading.Event(), threading.Event()

    def words() -> Iterator[tuple[int, str]]:
        yield 1, "router"
        begun.set()
        stopped.wait(0.2)
        yield from iter(lambda: (2, "endless"), None)

    before = keeper.folder
    renewal = threading.Thread(target=renew, args=(keeper, words()))
    renewal.start()
    assert begun.wait(10)
    keeper.stop()
    stopped.set()
    renewal.join(10)
    assert not renewal.is_alive()
    renew(keeper, iter([(9, "late")]))
    assert keeper.folder == before
    assert found(keeper, "late") == []
