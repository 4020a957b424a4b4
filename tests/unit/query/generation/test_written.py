"""A text that arrives in pieces, read as units."""

import pytest

from services.query.domain.generation.written import Form, Reader, Unit

TEXT = """Sure! Our Pro plan costs 12 euros.[1] It renews. [1, 2] Stop e.g. today [2]. Use `a. B` etc. It
goes on.
To export:

1. Open the settings. [1]
2. Choose **Export**.
   It takes time.

- One
  - Two [3]
***
| a | b |
|---|---|
| 1 | 2 |
[1]

```python
x = a[1]. Foo

| y
```
## More
日本語です。[1]次の文。[2] おわり。
Last one [2"""

UNITS = [
    Unit("Sure!", Form.SENTENCE, ""),
    Unit("Our Pro plan costs 12 euros. [1]", Form.SENTENCE, " "),
    Unit("It renews. [1, 2]", Form.SENTENCE, " "),
    Unit("Stop e.g. today [2].", Form.SENTENCE, " "),
    Unit("Use `a. B` etc.", Form.SENTENCE, " "),
    Unit("It\ngoes on.", Form.SENTENCE, " "),
    Unit("To export:", Form.SENTENCE, "\n"),
    Unit("Open the settings. [1]", Form.ITEM, "\n\n", "1. "),
    Unit("Choose **Export**.", Form.ITEM, "\n", "2. "),
    Unit("It takes time.", Form.SENTENCE, "\n"),
    Unit("One", Form.ITEM, "\n\n", "- "),
    Unit("Two [3]", Form.ITEM, "\n", "  - "),
    Unit("| a | b |\n|---|---|\n| 1 | 2 |", Form.TABLE, "\n\n"),
    Unit("```python\nx = a[1]. Foo\n\n| y\n```", Form.CODE, "\n\n"),
    Unit("## More", Form.HEADING, "\n"),
    Unit("日本語です。[1]", Form.SENTENCE, "\n"),
    Unit("次の文。[2]", Form.SENTENCE, ""),
    Unit("おわり。", Form.SENTENCE, ""),
    Unit("Last one [2", Form.SENTENCE, "\n"),
]


def read(text: str, width: int) -> list[Unit]:
    """Return the units of a text that arrives in pieces of so many characters."""
    reader = Reader()
    units = [unit for at in range(0, len(text), width) for unit in reader.feed(text[at : at + width])]
    return units + list(reader.close())


def test_units() -> None:
    """Sentences with their markers, items, tables, code and headings are told apart."""
    assert read(TEXT, len(TEXT)) == UNITS


@pytest.mark.parametrize("width", [1, 2, 3, 5, 7, 11, 13, 64, 100])
def test_pieces_do_not_matter(width: int) -> None:
    """However a text is cut into pieces, its units are the same."""
    assert read(TEXT, width) == UNITS


def test_told_as_soon_as_it_is_over() -> None:
    """A sentence is told when the next one begins, not at the end of the paragraph."""
    reader = Reader()
    assert not list(reader.feed("It costs 12 euros. [1]"))
    assert [unit.text for unit in reader.feed(" It is ")] == ["It costs 12 euros. [1]"]


@pytest.mark.parametrize("text", ["", "\n\n \n", "[1]", "[1] [2, 3]\n"])
def test_nothing(text: str) -> None:
    """White space and lone markers are no units."""
    assert read(text, 1) == []


def test_code_that_is_not_closed() -> None:
    """Code without its end is told as it is."""
    assert read("```\na. B\n", 2) == [Unit("```\na. B", Form.CODE, "")]
