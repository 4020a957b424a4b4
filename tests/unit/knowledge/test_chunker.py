"""From blocks to passages."""

import pytest

from services.knowledge.domain.chunking.blocks import Block, Heading, Kind, Piece
from services.knowledge.domain.chunking.chunker import Chunker
from services.knowledge.domain.chunking.passage import Passage, chunks
from services.knowledge.domain.document import DocumentId

# Vectors for as many units as there are.
ROOM = 1000


def count(text: str) -> int:
    """A word is a token."""
    return len(text.split())


def words(number: int, word: str = "word") -> str:
    return " ".join(f"{word}{n}" for n in range(number))


def text(number: int, word: str = "word") -> Piece:
    return Piece(Kind.PARAGRAPH, words(number, word))


def passages(*blocks: Block, title: str = "Title") -> list[Passage]:
    return Chunker(count).passages(blocks, title)


def test_small_document_is_one_passage() -> None:
    """What is below the minimum stays together under the headings that all of it has."""
    (only,) = passages(Heading(1, "Title"), text(20, "a"), Heading(2, "Part"), text(20, "b"))
    assert only.heading_path == ()
    assert only.text == f"{words(20, 'a')}\n\n## Part\n\n{words(20, 'b')}"


def test_first_heading_that_repeats_the_title_is_left_out() -> None:
    """The title is embedded and shown with every passage anyway; other headings stay."""
    assert [each.heading_path for each in passages(Heading(1, "title"), text(9))] == [()]
    assert [each.heading_path for each in passages(Heading(1, "Other"), text(9))] == [("Other",)]


def test_sections_keep_their_heading_path() -> None:
    """A passage knows all headings above it."""
    found = passages(
        Heading(1, "A"),
        Heading(2, "B"),
        text(200, "b"),
        Heading(3, "C"),
        text(200, "c"),
        Heading(2, "D"),
        text(200),
    )
    assert [each.heading_path for each in found] == [("A", "B"), ("A", "B", "C"), ("A", "D")]


@pytest.mark.parametrize("questions", [6, 7, 8])
def test_small_neighbours_join_under_their_common_parent(questions: int) -> None:
    """Short questions of one section become one passage that keeps the questions as headings."""
    blocks: list[Block] = [Heading(1, "FAQ")]
    for n in range(questions):
        blocks += [Heading(2, f"Question {n}?"), text(60, f"q{n}w")]
    found = passages(*blocks)
    assert all(150 <= each.tokens <= 350 for each in found)
    assert {each.heading_path for each in found} == {("FAQ",)}
    assert "## Question 0?\n\nq0w0" in found[0].text


def test_tables_and_code_stay_whole_where_they_fit() -> None:
    """A block of up to the maximum is never cut."""
    table = Piece(Kind.TABLE, "| h |\n| --- |\n" + "\n".join(f"| row{n} |" for n in range(100)))
    code = Piece(Kind.CODE, "```\n" + "\n".join(f"line{n}" for n in range(300)) + "\n```")
    found = passages(text(200), table, text(200), code)
    for block in (table, code):
        assert sum(block.text in each.text for each in found) == 1


def test_long_table_repeats_its_header() -> None:
    """Each part of a table that is too long can be read by itself; rows stay whole."""
    rows = [f"| name{n} | value{n} |" for n in range(200)]
    found = passages(Piece(Kind.TABLE, "\n".join(["| Name | Value |", "| --- | --- |", *rows])))
    assert len(found) > 2
    assert all(each.text.startswith("| Name | Value |\n| --- | --- |\n| name") for each in found)
    assert all(each.text.count("| Name |") == 1 for each in found)
    assert [row for each in found for row in each.text.split("\n")[2:]] == rows


def test_long_code_keeps_its_fence() -> None:
    """Each part of code that is too long is code."""
    body = "\n".join(f"line{n}" for n in range(900))
    found = passages(Piece(Kind.CODE, f"```py\n{body}\n```"))
    assert len(found) > 2
    for each in found:
        assert each.text.startswith("```py\n")
        assert each.text.endswith("\n```")


def test_long_paragraph_is_cut_between_sentences() -> None:
    """Sentences stay whole, quotation marks and all."""
    sentences = [f'He said "{words(18, f"s{n}w")}."' for n in range(60)]
    found = passages(Piece(Kind.PARAGRAPH, " ".join(sentences)))
    assert len(found) > 3
    assert all(each.text.endswith('."') for each in found)
    assert " ".join(each.text for each in found) == " ".join(sentences)


def test_items_stay_whole_and_with_their_introduction() -> None:
    """No border in the middle of an item, nor between "as follows:" and what follows."""
    items = [Piece(Kind.LIST_ITEM, f"- {words(30, f'i{n}w')}") for n in range(20)]
    found = passages(text(149), Piece(Kind.PARAGRAPH, "Proceed as follows:"), *items)
    assert any("follows:\n\n- i0w0" in each.text for each in found)
    assert all(sum(item.text in each.text for each in found) == 1 for item in items)


def test_one_endless_word_is_cut() -> None:
    """What has no place to be cut is cut anyway, and whole again when joined."""
    endless = "x" * 50_000
    found = Chunker(lambda text: len(text) // 4).passages([Piece(Kind.PARAGRAPH, endless)], "T")
    assert "".join(each.text for each in found).replace(" ", "") == endless
    assert max(each.tokens for each in found) <= 350


@pytest.mark.parametrize(
    "piece",
    [
        Piece(Kind.PARAGRAPH, "x" * 1_000_000),
        Piece(Kind.PARAGRAPH, " ".join(["x" * 4000] * 250)),
        Piece(Kind.TABLE, "| " + "x" * 300_000 + " |\n| --- |\n" + "| y |\n" * 1000),
        Piece(Kind.CODE, "```" + "x" * 300_000 + "\n" + "y\n" * 1000 + "```"),
        Piece(Kind.CODE, "```\nx" + "\n" * 1_000_000 + "y\n```"),
    ],
    ids=["word", "words", "head", "fence", "empty lines"],
)
def test_no_passage_is_large(piece: Piece) -> None:
    """What a tokenizer takes for next to nothing is cut all the same, and nothing large is repeated."""
    found = passages(piece)
    assert max(len(each.text) for each in found) <= 10_000
    assert sum(len(each.text) for each in found) <= len(piece.text) + 10_000


def test_bare_headings_are_text() -> None:
    """A heading with nothing below it can be found all the same."""
    assert [each.text for each in passages(Heading(1, "Only"))] == ["Only"]
    (both,) = passages(Heading(1, "A"), text(10), Heading(2, "Bare"))
    assert both.text.endswith("Bare")


def test_no_text_no_passages() -> None:
    """An empty document has none."""
    assert passages() == []


def test_edit_moves_no_distant_border() -> None:
    """Borders are decided by what stands near them: an edit changes the passages around it, no others."""
    before = [text(40, f"p{n}w") for n in range(60)]
    after = [*before[:10], text(55, "edited"), *before[11:]]
    old, new = passages(*before), passages(*after)
    assert len(set(old) - set(new)) <= 3
    assert old[-5:] == new[-5:]


def test_equal_passages_have_ids_of_their_own() -> None:
    """Ids are stable, and unique even where text repeats."""
    repeated = [Passage((), "Same.", 1)] * 3
    first, again = (chunks(DocumentId("doc_1"), "T", repeated, ROOM) for _ in range(2))
    assert first == again
    assert len({each.id for each in first}) == 3
    assert first[0].embedded == "T\nSame."


def test_ids_depend_on_all_that_the_vector_depends_on() -> None:
    """Title, headings, text and document each make another id."""
    passage = Passage(("H",), "Text.", 1)
    variants = [
        ("doc_1", "T", passage),
        ("doc_2", "T", passage),
        ("doc_1", "U", passage),
        ("doc_1", "T", Passage(("I",), "Text.", 1)),
        ("doc_1", "T", Passage(("H",), "Else.", 1)),
    ]
    ids = {chunks(DocumentId(doc), title, [each], ROOM)[0].id for doc, title, each in variants}
    assert len(ids) == len(variants)
