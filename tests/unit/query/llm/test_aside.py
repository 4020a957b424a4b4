"""Threads of those who wait for a language model."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from services.query.domain.generation.chat import ChatFailed, ChatRequest, Failure
from services.query.domain.settings.language_model import LanguageModel
from services.query.llm.aside import ChatAside
from tests.fakes.chat_model import FakeChatModel

MODEL = LanguageModel("http://127.0.0.1:1", "tiny")
REQUEST = ChatRequest((), 10, 0.0, None, 1.0)


class Threads:
    """Knows who stepped aside; `free` is how many more may."""

    def __init__(self, free: int) -> None:
        self.free = free
        self.aside = 0

    @contextmanager
    def stepping_aside(self) -> Iterator[bool]:
        """Step aside, if there is room."""
        if not self.free:
            yield False
            return
        self.aside += 1
        try:
            yield True
        finally:
            self.aside -= 1


def test_who_waits_steps_aside() -> None:
    """From the first word to the last, and not after."""
    threads = Threads(free=1)
    chat = ChatAside(FakeChatModel("Two words", width=4), threads.stepping_aside)
    heard = []
    for piece in chat.stream(MODEL, REQUEST):
        heard.append((piece, threads.aside))
    assert heard == [("Two ", 1), ("word", 1), ("s", 1)]
    assert threads.aside == 0
    assert chat.complete(MODEL, REQUEST) == "Two words"
    assert threads.aside == 0


def test_too_many_waiting_is_busy() -> None:
    """The model is not even asked."""
    model = FakeChatModel("Two words")
    chat = ChatAside(model, Threads(free=0).stepping_aside)
    with pytest.raises(ChatFailed) as streamed:
        list(chat.stream(MODEL, REQUEST))
    with pytest.raises(ChatFailed) as completed:
        chat.complete(MODEL, REQUEST)
    assert streamed.value.reason is completed.value.reason is Failure.BUSY
    assert not model.asked
