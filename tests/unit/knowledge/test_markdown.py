"""Markdown as people read it."""

from services.knowledge.domain.chunking.blocks import Block, Heading, Kind, Piece
from services.knowledge.extraction.markdown import markdown_blocks


def paragraph(text: str) -> Piece:
    return Piece(Kind.PARAGRAPH, text)


def texts(source: str) -> list[str]:
    return [block.text for block in markdown_blocks(source)]


def test_headings_and_paragraphs() -> None:
    """Both forms of headings; lines of a paragraph are joined, hard breaks kept."""
    source = "# One *and* `two`\n\nA line\nand another  \nbroken.\n\nThree\n-----\n\nEnd."
    assert markdown_blocks(source) == [
        Heading(1, "One and two"),
        paragraph("A line and another\nbroken."),
        Heading(2, "Three"),
        paragraph("End."),
    ]


def test_inline_markup_is_reduced_to_its_text() -> None:
    """Emphasis, links, images, code, entities and tags leave their text."""
    source = 'Go to **[Billing](/b "t")**, ![the button](b.png) &amp; <b>press</b> `{{x}}` ~~now~~.'
    assert texts(source) == ["Go to Billing, the button & press {{x}} now."]


def test_lists_keep_their_markers_and_nesting() -> None:
    """An item holds all that is below it."""
    source = "1. First\n   - inner\n   - more\n2. Second\n\n   continued\n\n* a\n* b"
    assert markdown_blocks(source) == [
        Piece(Kind.LIST_ITEM, "1. First\n   - inner\n   - more"),
        Piece(Kind.LIST_ITEM, "2. Second\n   continued"),
        Piece(Kind.LIST_ITEM, "- a"),
        Piece(Kind.LIST_ITEM, "- b"),
    ]


def test_ordered_lists_keep_their_numbers() -> None:
    """A list that begins at 3 goes on from there."""
    assert texts("3. c\n4. d") == ["3. c", "4. d"]


def test_tables_and_code_stay_blocks() -> None:
    """A table keeps its pipes, code its fence; braces in code are no templating."""
    source = "| A | B |\n|---|---|\n| `{:x}` | 2<br>3 |\n\n```py\n{% raw %}\n```\n\n    indented"
    assert markdown_blocks(source) == [
        Piece(Kind.TABLE, "| A | B |\n| --- | --- |\n| {:x} | 2; 3 |"),
        Piece(Kind.CODE, "```py\n{% raw %}\n```"),
        Piece(Kind.CODE, "```\nindented\n```"),
    ]


def test_front_matter_is_no_text() -> None:
    """Settings at the start of a page are left out, rules in it are not."""
    assert texts("---\ntitle: x\n---\nText\n\n---\n\nMore") == ["Text", "More"]
    assert texts("---\n---\n") == []
    assert texts("---\r\ntitle: x\r\n---\r\nText") == ["Text"]


def test_site_generators_marks_are_gone() -> None:
    """Kramdown attributes, Liquid, MDX imports, components and admonitions leave their text alone."""
    source = (
        'import X from "./x"\n\n'
        '[Duck](https://d.ai){:target="\\_blank"}{:rel="noopener noreferrer"} chat. '
        "See [Pro]({{ site.baseurl }}/pro).\n\n"
        "{% include footer.md %}\n\n"
        ":::tip Careful\n\nMind the <Badge /> gap.\n\n:::\n\n"
        "{::nomarkdown}<ul><li>one</li><li>two</li></ul>{:/}\n\n"
        "Write {{name}} in a template."
    )
    assert texts(source) == [
        "Duck chat. See Pro.",
        "Careful",
        "Mind the gap.",
        "one\n\ntwo",
        "Write {{name}} in a template.",
    ]


def test_html_blocks_become_blocks() -> None:
    """Paragraphs, headings, lists and tables in HTML are read; scripts, styles and comments are not."""
    source = (
        "<div>\n<h2>Head</h2>\n<p>One<br>two</p><p>three &lt;</p>\n"
        "<ol><li>a<ul><li>b</li></ul></li><li>c</li></ol>\n"
        "<table><tr><th>K</th><th>V</th></tr><tr><td>1</td><td>2</td></tr></table>\n"
        "<pre>x  =  1</pre><script>evil()</script><style>p{}</style><!-- no -->\n</div>"
    )
    expected: list[Block] = [
        Heading(2, "Head"),
        paragraph("One\ntwo"),
        paragraph("three <"),
        Piece(Kind.LIST_ITEM, "1. a\n   - b"),
        Piece(Kind.LIST_ITEM, "2. c"),
        Piece(Kind.TABLE, "| K | V |\n| --- | --- |\n| 1 | 2 |"),
        Piece(Kind.CODE, "```\nx  =  1\n```"),
    ]
    assert markdown_blocks(source) == expected


def test_quotes_are_text() -> None:
    """What stands in a quotation is found like everything else."""
    assert texts("> Quoted\n>\n> - item") == ["Quoted", "- item"]
