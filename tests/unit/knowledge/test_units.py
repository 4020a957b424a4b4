"""A text as units that can be quoted: sentences and blocks as spans."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.sentences import sentences
from services.knowledge.domain.units.splitting import units
from services.knowledge.domain.units.unit import Kind

MARKDOWN = st.lists(
    st.sampled_from(
        [
            "A",
            "b",
            ". ",
            "! ",
            "? ",
            "\n",
            "\n\n",
            "- ",
            "1. ",
            "| ",
            "```\n",
            "# ",
            "e.g. ",
            "3.14",
            " ",
            "…",
        ]
    )
    | st.text(max_size=8),
    max_size=60,
).map("".join)


def split(text: str) -> list[str]:
    """Return the sentences of a text."""
    return [text[start:end] for start, end in sentences(text)]


@given(MARKDOWN)
def test_sentences_hold_all_that_is_no_white_space(text: str) -> None:
    """Spans are in order, apart, trimmed and complete."""
    at, held = 0, ""
    for start, end in sentences(text):
        assert at <= start < end
        assert text[start:end] == text[start:end].strip()
        assert not text[at:start].strip()
        at, held = end, held + text[start:end]
    assert not text[at:].strip()
    assert "".join(held.split()) == "".join(text.split())


@pytest.mark.parametrize(
    "text",
    [
        "It costs 3.50 euros. It is worth it.",
        "Use a VPN, e.g. ours. It is fast.",
        "Version 1.2.3 is out. Update now.",
        "See https://a.example/b?c=d. It helps.",
        "Ask Dr. Smith of the U.S. Army. He knows.",
        "We open at 9 a.m. on weekdays. The shop is small.",
        "J. R. Smith wrote it. We agree.",
        "It takes No. 5 screws. They are long.",
        'He said "Stop!" Then he left.',
        "Open config.yaml. Edit it.",
        "Really? Yes.",
        "これは文です。次の文です。",
    ],
)
def test_a_full_stop_ends_a_sentence_only_where_one_ends(text: str) -> None:
    """Abbreviations, decimals, addresses and initials go on."""
    assert len(split(text)) == 2


@given(MARKDOWN)
def test_units_are_spans_in_order(text: str) -> None:
    """Units never overlap and are never blank."""
    at = 0
    for unit in units(text):
        assert at <= unit.start < unit.end <= len(text)
        assert text[unit.start : unit.end].strip() == text[unit.start : unit.end]
        at = unit.end


def test_markdown_falls_into_its_blocks() -> None:
    """Items lose their bullets, tables and code stay whole, headings are no units but name those below."""
    text = (
        "Intro. More.\n\n- One.\n  Still one.\n- Two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n"
        "```sh\nrun. Now.\n```\n\n## Can I?\n\nYes.\nYou can.\n"
    )
    found = [(unit.kind, text[unit.start : unit.end], unit.heading, unit.place) for unit in units(text)]
    assert found == [
        (Kind.SENTENCE, "Intro.", "", 0),
        (Kind.SENTENCE, "More.", "", 1),
        (Kind.ITEM, "One.", "", 2),
        (Kind.ITEM, "Still one.", "", 3),
        (Kind.ITEM, "Two", "", 4),
        (Kind.TABLE, "| a | b |\n|---|---|\n| 1 | 2 |", "", 5),
        (Kind.CODE, "```sh\nrun. Now.\n```", "", 6),
        (Kind.SENTENCE, "Yes.", "Can I?", 0),
        (Kind.SENTENCE, "You can.", "Can I?", 1),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "# a" + " " * 20_000 + "b",
        "# " + "#" * 20_000 + "b",
        "." * 20_000,
        "a. " * 7_000,
        "- " * 10_000,
        "{:" * 10_000,
    ],
)
def test_nonsense_costs_no_more_than_its_length(text: str) -> None:
    """Runs of spaces and signs, however long, are split as soon as anything else."""
    assert all(unit.end <= len(text) for unit in units(text))


@pytest.mark.parametrize("line", ["## Can I?", "## Can I? ##", "  #  Can I?  #"])
def test_headings_lose_their_signs(line: str) -> None:
    """A heading is its words, also where it is closed by signs."""
    (unit,) = units(f"{line}\n\nYes.")
    assert unit.heading == "Can I?"
