"""BM25, in memory and in a folder."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from services.vector_search.index.lexical import LexicalView, Question
from services.vector_search.index.lexical_index import LexicalIndex

NONE = np.empty(0, dtype=np.int64)
TEXTS = {
    1: "Resetting your password",
    2: "Invoices and refunds",
    3: "The password of the router; a router has a password of its own",
    4: "Nothing of note",
}


@pytest.fixture(params=["memory", "folder"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> LexicalIndex:
    """Return an empty index of either kind."""
    return LexicalIndex(tmp_path if request.param == "folder" else None)


def ask(view: LexicalView, text: str, limit: int = 10) -> list[int]:
    """Return the slots that a question finds."""
    question = Question.of(text)
    return [] if question is None else view.best(question, limit).slots.tolist()


def test_finds_by_stem(index: LexicalIndex) -> None:
    """Other forms of a word count as the word."""
    view = index.update(NONE, TEXTS.items())
    assert ask(view, "reset passwords") == [1, 3]
    assert ask(view, "refund") == [2]


@pytest.mark.parametrize("text", ["the of and", "", "?!", "   "])
def test_stop_words_are_no_question(text: str) -> None:
    """Words that every text has find nothing."""
    assert Question.of(text) is None


@pytest.mark.parametrize(
    "text", ['"password', "password AND (", "words:password", "slot:1 password", "password~2^-1"]
)
def test_query_syntax_is_just_words(index: LexicalIndex, text: str) -> None:
    """What a query language would read as an operator is text."""
    assert set(ask(index.update(NONE, TEXTS.items()), text)) == {1, 3}


def test_updates_leave_an_older_view_alone(index: LexicalIndex) -> None:
    """A search goes on with the view that it took."""
    before = index.update(NONE, TEXTS.items())
    after = index.update(np.array([1]), [(5, "a new password")])
    assert set(ask(before, "password")) == {1, 3}
    assert set(ask(after, "password")) == {3, 5}


def test_a_slot_can_be_replaced(index: LexicalIndex) -> None:
    """In one update a slot's words go and new ones come."""
    index.update(NONE, TEXTS.items())
    view = index.update(np.array([2]), [(2, "exports")])
    assert ask(view, "refund") == []
    assert ask(view, "export") == [2]


def test_scores_of_some_equal_scores_among_all(index: LexicalIndex) -> None:
    """Restricting a question to some slots does not change their scores."""
    view = index.update(NONE, TEXTS.items())
    question = Question.of("password router")
    assert question is not None
    among_all = view.best(question, 10)
    some = view.best_of(question, np.array([1, 4]), 10)
    assert some.slots.tolist() == [1]
    assert some.scores[0] == pytest.approx(among_all.scores[among_all.slots.tolist().index(1)])


def test_counts_what_still_weighs_on_the_statistics(index: LexicalIndex) -> None:
    """Deletions are counted until the index is built anew."""
    index.update(NONE, TEXTS.items())
    index.update(np.array([1, 2]), [])
    assert index.dead == 2


def test_very_long_questions_are_answered(index: LexicalIndex) -> None:
    """A question of thousands of words is cut, not refused."""
    view = index.update(NONE, TEXTS.items())
    assert 2 in ask(view, "refund " + " ".join(f"word{n}" for n in range(5000)))


def test_a_folder_is_opened_again(tmp_path: Path) -> None:
    """Another process finds what was written, and goes on with it."""
    index = LexicalIndex(tmp_path)
    index.update(NONE, TEXTS.items())
    index.update(np.array([1]), [])
    again = LexicalIndex(tmp_path, dead=index.dead)
    assert again.dead == 1
    assert ask(again.view(), "password") == [3]
    view = again.update(np.array([2]), [(5, "Passwords of routers")])
    assert (again.dead, sorted(ask(view, "password")), ask(view, "refund")) == (2, [3, 5], [])


def test_scores_are_the_same_from_a_folder(tmp_path: Path) -> None:
    """Where the index is makes no difference to its answers."""
    found = []
    for index in (LexicalIndex(), LexicalIndex(tmp_path)):
        index.update(NONE, TEXTS.items())
        index.update(np.array([1]), [(5, "A password, and another password")])
        question = Question.of("password router")
        assert question is not None
        hits = index.view().best(question, 10)
        found.append((hits.slots.tolist(), hits.scores.tolist()))
    assert found[0] == found[1]


def test_links_to_its_files_are_a_copy(tmp_path: Path) -> None:
    """No file is ever changed: what was linked elsewhere still is the index of that moment."""
    folder, copy, again = tmp_path / "index", tmp_path / "copy", tmp_path / "again"
    folder.mkdir()
    index = LexicalIndex(folder)
    index.update(NONE, TEXTS.items())
    shutil.copytree(folder, copy, copy_function=lambda source, target: Path(target).hardlink_to(source))
    before = {each.name: each.read_bytes() for each in copy.iterdir()}
    for number in range(20):
        index.update(np.array([1 + number % 3]), [(100 + number, "password of another kind")])
    assert {each.name: each.read_bytes() for each in copy.iterdir()} == before
    shutil.copytree(copy, again)
    assert sorted(ask(LexicalIndex(again).view(), "password")) == [1, 3]


def test_rubbish_is_no_index(tmp_path: Path) -> None:
    """A folder that can't be read is an error, not an empty index."""
    index = LexicalIndex(tmp_path)
    index.update(NONE, TEXTS.items())
    (tmp_path / "meta.json").write_text("nonsense")
    with pytest.raises((OSError, ValueError)):
        LexicalIndex(tmp_path)


def test_a_score_for_each_that_is_asked_about(index: LexicalIndex) -> None:
    """In the order of asking; 0 where no word is shared or nothing is known."""
    view = index.update(NONE, TEXTS.items())
    question = Question.of("password router refund")
    assert question is not None
    scores = view.scores_of(question, np.array([4, 3, 77, 1, 2]))
    assert (scores > 0).tolist() == [False, True, False, True, True]
    assert scores[1] == view.best(question, 1).scores[0]
    assert view.scores_of(question, NONE).tolist() == []


@pytest.fixture(scope="module")
def crowd() -> LexicalView:
    """Return 12,000 passages in which `help` is everywhere, `page` and `order` mostly, each number once."""
    texts = ((n, "help" + " page" * (n % 6) + " order" * (n % 8 > 1) + f" number{n}") for n in range(12_000))
    return LexicalIndex().update(NONE, texts)


def test_frequent_words_do_not_look_for_candidates(crowd: LexicalView) -> None:
    """Where they would be most of the work the rarer words are asked; the rarest few always."""
    question = Question.of("help page order number7 number8 number9 nowhere")
    assert question is not None
    assert sorted(crowd.narrowed(question).terms) == ["number7", "number8", "number9"]
    question = Question.of("help page order number7 number8 nowhere")
    assert question is not None
    assert sorted(crowd.narrowed(question).terms) == ["number7", "number8", "order"]


def test_a_question_of_little_work_is_left_alone(crowd: LexicalView) -> None:
    """A frequent word more or less is listed with the others."""
    for text in ("number7 number8 number9 page", "nowhere"):
        question = Question.of(text)
        assert question is not None
        assert crowd.narrowed(question) is question


def test_scores_of_some_count_frequent_words(crowd: LexicalView) -> None:
    """Whether a word is read or looked up, the score is that among all."""
    question = Question.of("help page order number7 number700")
    assert question is not None
    hits = crowd.best(question, crowd.size)
    among_all = dict(zip(hits.slots.tolist(), hits.scores.tolist(), strict=True))
    some = [11_999, 7, 0, 6000, 700, 5]
    scores = crowd.scores_of(question, np.array(some))
    assert scores.tolist() == pytest.approx([among_all[slot] for slot in some])


def test_a_word_counts_as_often_as_it_is_asked(index: LexicalIndex) -> None:
    """What a long question comes back to is what it is about; both ways of scoring agree."""
    view = index.update(NONE, TEXTS.items())
    assert ask(view, "password refunds")[0] == 2
    assert ask(view, "password refunds, and again: password, password, password")[0] != 2
    question = Question.of("password refunds password")
    assert question is not None
    hits = view.best(question, 10)
    assert view.scores_of(question, hits.slots) == pytest.approx(hits.scores)
