"""The sample of questions that were asked."""

import numpy as np

from services.vector_search.index.asked_questions import AskedQuestions
from tests.fakes.vector_search_data import DIMENSIONS, a_question, a_vector, unit_rows


def ask(asked: AskedQuestions, first: int, count: int) -> None:
    """Note questions with vectors of their own."""
    asked.note([a_question(vector) for vector in unit_rows(first, count)])


def test_few_questions_are_no_sample() -> None:
    """Until there are 256, there is nothing to measure with."""
    asked = AskedQuestions()
    ask(asked, 1, 255)
    assert (asked.news, asked.sample()) == (False, None)
    ask(asked, 2, 1)
    assert asked.news
    sample = asked.sample()
    assert sample is not None
    assert sample.shape == (256, DIMENSIONS)


def test_the_same_question_counts_once() -> None:
    """What one caller repeats says little about the others."""
    asked = AskedQuestions()
    asked.note([a_question(a_vector(1))] * 500)
    assert asked.sample() is None
    ask(asked, 2, 5000)
    sample = asked.sample()
    assert sample is not None
    # 323 of the others, and the one that is still kept many times.
    assert len(sample) == len(np.unique(sample, axis=0)) == 324


def test_questions_of_words_alone_are_passed_over() -> None:
    """They have no vector."""
    asked = AskedQuestions()
    asked.note([a_question(text="refund")] * 300)
    assert (asked.news, asked.sample(), asked.memory_bytes) == (False, None, 0)


def test_what_is_kept_is_bounded() -> None:
    """However many are asked, the vectors take no more than those of 512."""
    asked = AskedQuestions()
    ask(asked, 1, 5000)
    assert asked.memory_bytes == 512 * DIMENSIONS * 4


def test_a_busy_minute_does_not_push_out_everything() -> None:
    """After the first ones, every sixteenth takes the place of the oldest."""
    asked = AskedQuestions()
    early, late = unit_rows(1, 512), unit_rows(2, 1600)
    asked.note([a_question(vector) for vector in early])
    asked.note([a_question(vector) for vector in late])
    sample = asked.sample()
    assert sample is not None
    kept = {each.tobytes() for each in sample}
    assert kept == {each.tobytes() for each in (*early[100:], *late[15::16])}


def test_news_come_ever_more_rarely() -> None:
    """After a sample there is news when sixteen times as many were asked."""
    asked = AskedQuestions()
    ask(asked, 1, 300)
    assert asked.sample() is not None
    assert not asked.news
    ask(asked, 2, 15 * 300 - 1)
    assert not asked.news
    ask(asked, 3, 1)
    assert asked.news
