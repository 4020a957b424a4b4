"""Reading sets."""

from pathlib import Path

import pytest

from tests.eval.dataset import UNTITLED, NotASet, read, read_set
from tests.unit.eval.sets import write_set

PAGE = {"_id": "p", "title": "A page", "text": "Some text."}


def test_a_set_is_read_whole(tmp_path: Path) -> None:
    """Pages, questions, gold pages with their weights, short answers and history become what they mean."""
    folder = write_set(
        tmp_path / "tea",
        [{**PAGE, "url": "https://tea.example/p"}, {"_id": "q", "title": "", "text": "", "product": "pot"}],
        [
            {
                "_id": "1",
                "text": "When?",
                "answers": ["in May", "x" * 101, " "],
                "answerable": True,
                "history": [{"role": "user", "text": "Hello"}, {"role": "system", "text": "no"}],
            },
            {"_id": "2", "text": "Who?", "answer": "nobody", "answerable": False},
        ],
        [("1", "p", 2), ("1", "q", 1), ("2", "p", 0)],
    )
    data = read_set(folder)
    assert data.name == "tea"
    first, second = data.pages
    assert (first.id, first.title, first.text) == ("p", "A page", "Some text.")
    assert first.url == "https://tea.example/p"
    assert (second.title, second.text, second.product) == (UNTITLED, "", "pot")
    when, who = data.questions
    assert when.gains == {"p": 2.0, "q": 1.0}
    assert when.answers == ("in May",)
    assert when.history == (("user", "Hello"),)
    assert when.answerable is True
    assert (who.gains, who.answers, who.answerable) == ({}, ("nobody",), False)


def test_what_is_missing_is_concluded_where_it_can_be(tmp_path: Path) -> None:
    """Gold pages make a question answerable and tell its product; without them nothing is known."""
    folder = write_set(
        tmp_path,
        [{**PAGE, "product": "leaf"}],
        [{"_id": "1", "text": "a"}, {"_id": "2", "text": "b"}, {"_id": "3", "text": " "}],
        [("1", "p", 1)],
    )
    questions = read_set(folder).questions
    assert [(each.id, each.answerable, each.product) for each in questions] == [
        ("1", True, "leaf"),
        ("2", None, ""),
    ]


def test_what_the_api_does_not_take_is_cut(tmp_path: Path) -> None:
    """Long questions lose their end, long histories their beginning; halves of characters become marks."""
    history = [{"role": "user", "content": str(number)} for number in range(50)]
    folder = write_set(
        tmp_path,
        [{"_id": "p", "title": "t" * 600, "text": "\ud800 a", "url": "ftp://x"}],
        [{"_id": "1", "text": "w" * 9000, "history": history}],
        [],
    )
    data = read_set(folder)
    assert len(data.questions[0].text) == 8000
    assert [text for _, text in data.questions[0].history] == [str(number) for number in range(10, 50)]
    page = data.pages[0]
    assert (len(page.title), page.text, page.url) == (500, "? a", "")


def test_gold_strings_are_known_for_most_or_not_at_all(tmp_path: Path) -> None:
    """A few short answers among essays don't make a set that is judged by strings."""
    essay, short = {"answer": "e" * 500}, {"answer": "s"}
    queries = [{"_id": str(number), "text": "q", "answerable": True, **essay} for number in range(3)]
    few = write_set(
        tmp_path / "few", [PAGE], [*queries, {"_id": "s", "text": "q", "answerable": True, **short}], []
    )
    assert not read_set(few).has_gold_strings
    half = [{"_id": "s", "text": "q", "answerable": True, **short}, queries[0]]
    assert read_set(write_set(tmp_path / "half", [PAGE], half, [])).has_gold_strings


def test_markdown_is_seen_by_its_marks(tmp_path: Path) -> None:
    """Headings, links and fences make Markdown, hashes in a sentence don't."""
    plain = write_set(tmp_path / "plain", [{**PAGE, "text": "The #1 tea [1] (really)."}], [], [])
    assert read_set(plain).content_type == "text/plain"
    marked = write_set(tmp_path / "marked", [{**PAGE, "text": "Tea\n\n## Green\n\nIs green."}], [], [])
    assert read_set(marked).content_type == "text/markdown"


def test_a_folder_may_be_a_set_or_hold_some(tmp_path: Path) -> None:
    """What is not of the form is named with what it lacks; a folder without any set is refused."""
    one = write_set(tmp_path / "b", [PAGE], [], [])
    write_set(tmp_path / "a", [PAGE], [], [])
    (tmp_path / "c").mkdir()
    (tmp_path / "README.md").write_text("about")
    sets, skipped = read(tmp_path)
    assert [each.name for each in sets] == ["a", "b"]
    assert skipped == ["skipped c: no corpus.jsonl, queries.jsonl, qrels.tsv"]
    assert [each.name for each in read(one)[0]] == ["b"]
    for folder in (tmp_path / "c", tmp_path / "nowhere"):
        with pytest.raises(NotASet):
            read(folder)


@pytest.mark.parametrize(
    ("name", "line", "said"),
    [
        ("corpus.jsonl", "{", "corpus.jsonl, line 1"),
        ("queries.jsonl", '{"text": "x"}', "queries.jsonl, line 1: no _id and text"),
        ("qrels.tsv", "q\tc\ts\n1\tp", "qrels.tsv, line 2: not query-id, corpus-id, score"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, name: str, line: str, said: str) -> None:
    """A line that is not of the form is refused with its place."""
    folder = write_set(tmp_path, [PAGE], [{"_id": "1", "text": "a"}], [])
    (folder / name).write_text(line)
    with pytest.raises(NotASet, match=said):
        read_set(folder)


def test_judgements_need_no_header(tmp_path: Path) -> None:
    """The first line counts where it has a score."""
    folder = write_set(tmp_path, [PAGE], [{"_id": "1", "text": "a"}], [])
    (folder / "qrels.tsv").write_text("1\tp\t1\r\n")
    assert read_set(folder).questions[0].gains == {"p": 1.0}
