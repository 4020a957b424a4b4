"""PDF to blocks."""

import pytest

from services.knowledge.domain.chunking.blocks import Heading, Kind, Piece
from services.knowledge.domain.document import ContentType
from services.knowledge.domain.errors import IndexingFailed
from services.knowledge.extraction import pdf_text
from services.knowledge.extraction.extractor import extract
from services.knowledge.extraction.pdf import pdf_blocks
from tests.formats import ENCRYPTED_PDF, Text, pdf

PROSE = "A sentence of some length that stands on a line of its own"


def lines(
    *texts: str, y: float = 700, x: float = 72, size: float = 10, font: str = "Helvetica"
) -> list[Text]:
    return [Text(text, x, y - 12 * number, size, font) for number, text in enumerate(texts)]


def test_headings_are_told_by_their_size() -> None:
    """The largest is the outermost; text of the usual size is none."""
    page = [
        Text("Plans", y=780, size=20),
        *lines(PROSE, "and goes on here.", y=750),
        Text("Prices", y=700, size=14),
        *lines("They are low.", y=680),
    ]
    assert pdf_blocks(pdf([page])) == [
        Heading(1, "Plans"),
        Piece(Kind.PARAGRAPH, f"{PROSE} and goes on here."),
        Heading(2, "Prices"),
        Piece(Kind.PARAGRAPH, "They are low."),
    ]


def test_bold_lines_that_stand_alone_are_headings() -> None:
    """Bold words within a paragraph are not."""
    page = [
        *lines("Refunds", y=700, font="Helvetica-Bold"),
        *lines(PROSE, "and ends.", y=680),
        Text("Note", y=640, font="Helvetica-Bold"),
        Text("that this goes on.", x=110, y=640),
    ]
    assert pdf_blocks(pdf([page])) == [
        Heading(1, "Refunds"),
        Piece(Kind.PARAGRAPH, f"{PROSE} and ends."),
        Piece(Kind.PARAGRAPH, "Note that this goes on."),
    ]


def test_words_broken_at_the_end_of_a_line_are_whole_again() -> None:
    """A hyphen goes where the word goes on in small letters, and stays between names."""
    page = lines("This is some infor-", "mation on Baden-", "Baden, which is a town.")
    (block,) = pdf_blocks(pdf([page]))
    assert block.text == "This is some information on Baden-Baden, which is a town."


def test_what_pages_repeat_is_left_out() -> None:
    """Headers, footers and page numbers are no text of the document."""
    pages = [
        [
            Text("Handbook of Example", y=810),
            *lines(f"Page {name} says this, and something more.", y=600),
            Text(f"{number} of 4", x=280, y=30),
        ]
        for number, name in enumerate(("one", "two", "three", "four"), 1)
    ]
    assert [block.text for block in pdf_blocks(pdf(pages))] == [
        f"Page {name} says this, and something more." for name in ("one", "two", "three", "four")
    ]


def test_page_numbers_go_wherever_they_stand() -> None:
    """A number apart from the text is the page's, also where no other page has it at that place."""
    pages = [
        [Text("Handbook", y=810), *lines(f"Page {name} says this.", y=600), Text(str(number), y=30 * number)]
        for number, name in enumerate(("one", "two", "three"), 1)
    ]
    assert [block.text for block in pdf_blocks(pdf(pages))] == [
        f"Page {name} says this." for name in ("one", "two", "three")
    ]


def test_a_sentence_goes_on_over_pages() -> None:
    """A page's end ends no paragraph that is not at its end."""
    pages = [lines("The first part of a sentence", y=80), lines("and its second part.", y=780)]
    assert [block.text for block in pdf_blocks(pdf(pages))] == [
        "The first part of a sentence and its second part."
    ]


def test_lists_tables_and_code() -> None:
    """Marks make items, columns that agree make a table, a font of one width makes code."""
    rows = (("Plan", "Price", "Seats"), ("Pro", "10 | month", "5"), ("Max", "90", "50"))
    table = [
        Text(cell, 72 + 120 * column, 650 - 14 * row)
        for row, cells in enumerate(rows)
        for column, cell in enumerate(cells)
    ]
    page = [
        *lines("First, do these two things:", y=780),
        *lines("• open the door", "• close it again, and be sure", y=760),
        *lines("  to lock it", x=84, y=736),
        *lines("1. count", "2) pay", y=710),
        *table,
        *lines("def pay():", y=560, font="Courier"),
        *lines("return 1", x=96, y=548, font="Courier"),
        *lines("That is all.", y=500),
    ]
    assert pdf_blocks(pdf([page])) == [
        Piece(Kind.PARAGRAPH, "First, do these two things:"),
        Piece(Kind.LIST_ITEM, "- open the door"),
        Piece(Kind.LIST_ITEM, "- close it again, and be sure to lock it"),
        Piece(Kind.LIST_ITEM, "1. count"),
        Piece(Kind.LIST_ITEM, "2. pay"),
        Piece(
            Kind.TABLE,
            "| Plan | Price | Seats |\n| --- | --- | --- |\n| Pro | 10 \\| month | 5 |\n| Max | 90 | 50 |",
        ),
        Piece(Kind.CODE, "```\ndef pay():\n    return 1\n```"),
        Piece(Kind.PARAGRAPH, "That is all."),
    ]


def test_rows_that_do_not_agree_are_no_table() -> None:
    """Words with gaps are cells only where they stand below each other."""
    rows = [[Text("North", 72, y), Text("South", x, y)] for x, y in ((150, 700), (300, 686), (450, 672))]
    (block,) = pdf_blocks(pdf([[each for row in rows for each in row]]))
    assert isinstance(block, Piece)
    assert block.kind is Kind.PARAGRAPH


def test_code_about_code_stays_whole() -> None:
    """A fence in code is not the end of it."""
    (block,) = pdf_blocks(pdf([lines("```", "pay()", "```", y=700, font="Courier")]))
    assert block == Piece(Kind.CODE, "````\n```\npay()\n```\n````")


def test_columns_are_read_one_after_the_other() -> None:
    """Text in two columns is not mixed line by line."""
    left = lines("Left column begins here", "and goes on in its second line.", y=700)
    right = lines("Right column begins here", "and ends.", x=320, y=700)
    assert [block.text for block in pdf_blocks(pdf([left + right]))] == [
        "Left column begins here and goes on in its second line.",
        "Right column begins here and ends.",
    ]


def test_pages_without_text_have_no_blocks() -> None:
    """A scan is a document without text."""
    assert pdf_blocks(pdf([[], []])) == []


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "EXTRACTION_FAILED"),
        (b"no PDF at all", "EXTRACTION_FAILED"),
        (pdf([[Text("x")]])[:60], "EXTRACTION_FAILED"),
        (ENCRYPTED_PDF, "ENCRYPTED_DOCUMENT"),
    ],
)
def test_what_can_not_be_read_fails_with_a_reason(content: bytes, code: str) -> None:
    """Broken and locked files fail for good."""
    with pytest.raises(IndexingFailed) as caught:
        extract(content, ContentType.PDF)
    assert caught.value.code == code


def test_too_many_pages() -> None:
    """What is beyond all bounds is not read to its end."""
    with pytest.raises(IndexingFailed) as caught:
        pdf_blocks(pdf([[]] * (pdf_text.MAX_PAGES + 1)))
    assert caught.value.code == "EXTRACTION_TOO_LARGE"


def test_equal_files_have_equal_blocks() -> None:
    """Passages keep their ids when a file is sent again."""
    content = pdf([[Text("Plans", y=780, size=20), *lines(PROSE, "and ends.")]])
    assert pdf_blocks(content) == pdf_blocks(bytes(content))
