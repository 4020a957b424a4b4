"""Passages as words."""

from dataclasses import replace

from services.query.domain.text.reading import pairs, reading
from services.query.domain.text.words import term_set, words
from tests.unit.query.given import a_passage

PAGE = a_passage(
    "Exported notes are in a folder. What is it?\n\n- You can be here.\n",
    title="Exporting",
    headings=("Notes", "The folders"),
)


def test_each_unit_has_its_own_terms() -> None:
    """Without stop words, and by their stems; a unit of nothing else keeps them."""
    read = reading(PAGE)
    first, second, third = read.units
    assert first == term_set("export notes folder")
    assert second == set(words("what is it"))
    assert third == set(words("you can be here"))


def test_the_headings_count_for_the_whole() -> None:
    """Title and headings are terms of the passage, but of none of its units."""
    read = reading(PAGE)
    assert read.headings == term_set("export notes folder")
    assert read.whole == read.headings.union(*read.units)
    far = reading(replace(PAGE, title="Backups"))
    assert "backup" in far.whole
    assert not any("backup" in unit for unit in far.units)


def test_pairs_are_neighbours_within_a_unit() -> None:
    """Stop words count, sentences and headings are not joined, the title has pairs of its own."""
    read = reading(PAGE)
    assert pairs("exported notes are in a folder") == read.unit_pairs[0]
    assert pairs("folder what").isdisjoint(read.pairs)
    assert pairs("the folders") <= read.pairs
    assert all(pairs("the folders").isdisjoint(each) for each in read.unit_pairs)


def test_a_text_has_the_pairs_of_its_words() -> None:
    """In their order; one word has none."""
    assert pairs("Export notes, export!") == {("export", "not"), ("not", "export")}
    assert pairs("Export") == frozenset()


def test_a_passage_without_units_is_one() -> None:
    """As of indexes of earlier versions; a blank one has none."""
    whole = reading(replace(PAGE, units=()))
    assert len(whole.units) == len(whole.unit_pairs) == 1
    blank = reading(replace(PAGE, text=" \n ", units=()))
    assert blank.units == ()
    assert blank.whole == blank.headings


def test_the_same_text_with_other_units_is_read_anew() -> None:
    """What is remembered of a passage depends on its units, not on its text alone."""
    assert len(reading(PAGE).units) == 3
    assert len(reading(replace(PAGE, units=PAGE.units[:1])).units) == 1
