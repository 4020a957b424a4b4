"""Words as they are compared."""

import pytest

from services.query.domain.text.words import terms, weights


@pytest.mark.parametrize(
    ("question", "kept"),
    [
        ("How long does the trial last?", ["trial", "last"]),
        ("how much is business", ["business"]),
        ("Is the cable long?", ["cabl", "long"]),
    ],
)
def test_what_only_asks_is_no_subject(question: str, kept: list[str]) -> None:
    """The "long" of "how long" is asked for, it is not spoken of."""
    assert terms(question) == kept


@pytest.mark.parametrize("word", ["notes", "offers", "owner"])
def test_a_word_is_no_stop_word_for_its_stem(word: str) -> None:
    """Only what stands in the list is left out, not what begins like it."""
    assert terms(f"my {word}") == terms(word)
    assert len(terms(f"my {word} today")) == 2


def test_weights_stand_in_the_questions_order() -> None:
    """Sums over them have the same last digit in every process, whatever the order of its sets."""
    words = [f"word{number}" for number in range(50)]
    found = weights([*words, *words], [frozenset(words[:9]), frozenset(words[:3])])
    assert list(found) == words
    assert found["word0"] < found["word5"] < found["word20"]
