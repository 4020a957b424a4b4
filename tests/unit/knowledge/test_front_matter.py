"""The settings that a page begins with."""

import pytest

from services.knowledge.domain.front_matter import front_matter_pairs, without_front_matter


def test_texts_on_one_line_are_pairs() -> None:
    """Plain and quoted texts are taken, comments are not part of them."""
    content = (
        "\ufeff---\r\n"
        "# settings\r\n"
        "title: 'It''s: here' # a remark\r\n"
        'escaped: "caf\\u00e9 \\"x\\""\r\n'
        "plain text: some words # a remark\r\n"
        "number: 3\r\n"
        "address: https://example.com/#top\r\n"
        "größe: L\r\n"
        "---\r\nbody: no\r\n"
    )
    assert front_matter_pairs(content.encode()) == {
        "title": "It's: here",
        "escaped": 'café "x"',
        "plain text": "some words",
        "number": "3",
        "address": "https://example.com/#top",
        "größe": "L",
    }


@pytest.mark.parametrize(
    "lines",
    [
        "list: [a, b]",
        "list:\n  - a",
        "map: {a: b}",
        "map:\n  a: b",
        "folded: >\n  text",
        "long: text that\n  goes on",
        "anchor: &a text\nalias: *a",
        "tag: !!python/object x",
        "nothing:\nnull: null",
        'bad: "unfinished',
        'control: "\\u0000"',
        "  indented: x",
        "no colon here",
        "url:no space",
    ],
)
def test_everything_else_is_left_out(lines: str) -> None:
    """Lists, mappings, anchors, tags and texts of several lines are no pairs of texts."""
    assert front_matter_pairs(f"---\n{lines}\n---\n".encode()) == {}


def test_without_an_end_there_is_no_front_matter() -> None:
    """A line of dashes alone opens nothing, nor does one further down."""
    for content in (b"", b"---\na: b\n", b"\n---\na: b\n---\n", b"text\n---\na: b\n---\n"):
        assert front_matter_pairs(content) == {}


@pytest.mark.parametrize(
    ("page", "rest"),
    [
        ("---\na: b\n---\nText.", "Text."),
        ("---\n---\nText.", "Text."),
        ("---\n# note\n---\nText.", "Text."),
        ("---\nlist:\n  - a\n...\nText.", "Text."),
        ("---\n'quoted': x\n---\nText.", "Text."),
        ("---\nWords between lines.\n---\nText.", "---\nWords between lines.\n---\nText."),
        ("---\nhttp://example.com\n---\n", "---\nhttp://example.com\n---\n"),
        ("---\na: b\nText.", "---\na: b\nText."),
    ],
)
def test_a_page_loses_only_settings(page: str, rest: str) -> None:
    """What stands between lines of dashes is text unless it has settings."""
    assert without_front_matter(page) == rest
