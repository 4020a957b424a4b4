"""Claims against passages."""

from collections.abc import Sequence

import pytest

from services.kernel.errors import Unavailable
from services.query.domain.generation.grounding import Grounding
from services.query.domain.passage import Passage
from tests.unit.query.generation.pages import EXPORT, PAGES, PLANS, TEAMS, a_page


class FixedSupport:
    """Says that everything is equally near."""

    def __init__(self, cosine: float) -> None:
        self.cosine = cosine

    def best_cosine(self, _text: str, _passages: Sequence[Passage]) -> float:
        """Return it."""
        return self.cosine


class AbsentSupport:
    """Can't be reached; `asked` counts the attempts."""

    asked = 0

    def best_cosine(self, _text: str, _passages: Sequence[Passage]) -> float:
        """Fail."""
        self.asked += 1
        raise Unavailable("gone")


WORDS = Grounding(PAGES, None)


@pytest.mark.parametrize(
    ("claim", "cited", "sources"),
    [
        ("The Pro plan costs 12 euros a month.", (1,), (1,)),
        ("The Pro plan costs 12 euros a month.", (), (1,)),  # none named: the one that holds it best
        ("The Pro plan costs 12 euros a month.", (3,), (1,)),  # the wrong one named
        ("The Pro plan costs 12 euros a month.", (9, 0), (1,)),  # one named that was not given
        ("The Pro plan costs 12 euros and a team costs 9 euros a month.", (1, 2), (1, 2)),
        ("The Pro plan renews on the 3rd day of each month.", (1,), (1,)),
        ("Refunds are paid within 14 days after cancellation.", (3,), (3,)),
        ("Members can export notes to PDF.", (3,), (3,)),
        ("Guests can't export notes.", (3,), (3,)),
        ("Guests cannot export notes.", (3,), (3,)),
        ("Run `notes export --all`.", (3,), (3,)),
    ],
)
def test_supported(claim: str, cited: tuple[int, ...], sources: tuple[int, ...]) -> None:
    """What a passage says is supported by it, whichever passage was named."""
    assert WORDS.check(claim, cited).sources == sources


@pytest.mark.parametrize(
    "claim",
    [
        "Penguins live in Antarctica.",
        "The Pro plan costs 13 euros a month.",  # a number of no passage
        "The Pro plan costs 9 euros a month.",  # a number of something else
        "The Gold plan costs 12 euros a month.",  # a name of no passage
        "The Pro plan costs 12 dollars a year for students.",
        "Guests can export notes.",  # the passage denies it
        "Members can't export notes to PDF.",  # the passage affirms it
        "Members can export notes to Word.",  # denied in another clause
        "You can never cancel it in your account.",
        "Refunds are paid within 14 days before cancellation.",  # turned round
        "Run `notes export --everything`.",
        "Refunds are paid at https://evil.example/refunds within 14 days after cancellation.",
        "Refunds are paid within 14 days after cancellation by refunds@evil.example.",
        "Refunds are paid within 14 days after cancellation on evil.example/pay.",
    ],
)
def test_not_supported(claim: str) -> None:
    """A claim with one word too many, of those that matter, is supported by no passage."""
    assert WORDS.check(claim, (1, 2, 3)).sources == ()


def test_numbers_of_two_passages_do_not_make_a_claim() -> None:
    """What one passage says of one thing and another of another is not mixed where no passage is named."""
    both = Grounding((PLANS, TEAMS), FixedSupport(1.0))
    assert not both.check("Teams and the Pro plan cost 9 euros a month.").supported


def test_beside_a_better_citation() -> None:
    """A named passage that carries little of the claim is not cited."""
    assert WORDS.check("The Pro plan renews on the third day of each month.", (1, 3)).sources == (1,)


def test_names_matter_however_near_the_meaning() -> None:
    """A name of no passage is refused, also where all else fits."""
    grounding = Grounding(PAGES, FixedSupport(1.0))
    assert grounding.check("For members, guests are free.").supported
    assert not grounding.check("For Berliners, guests are free.").supported


def test_addresses_of_a_passage() -> None:
    """An address that the passage has may be told."""
    page = a_page("Refunds are explained at https://help.example/refunds, or write to pay@help.example.")
    grounding = Grounding((page,), None)
    assert grounding.check("Refunds are explained at https://help.example/refunds.").supported
    assert grounding.check("Refunds are explained at https://help.example/refunds/.").supported
    assert not grounding.check("Refunds are explained at https://help.example/refunds?q=secret.").supported
    assert not grounding.check("Refunds are explained at https://help.example/refunds2.").supported


@pytest.mark.parametrize(("cosine", "supported"), [(0.5, False), (0.75, True)])
def test_other_words_for_the_same(cosine: float, supported: bool) -> None:
    """The fewer words are shared, the nearer the meaning must be."""
    claim = "Your account allows stopping your subscription whenever you like."
    assert Grounding(PAGES, FixedSupport(cosine + 0.1)).check(claim).supported is supported


def test_the_same_words_about_something_else() -> None:
    """Words alone do not do where the meaning is known to be far."""
    assert not Grounding(PAGES, FixedSupport(0.3)).check("Teams share notebooks.").supported


def test_without_vectors() -> None:
    """Where vectors can't be had the words decide, and the vectors are not asked for again."""
    absent = AbsentSupport()
    grounding = Grounding(PAGES, absent)
    assert grounding.check("Teams share notebooks.").supported
    assert not grounding.check("Teams are groups of people with common material.").supported
    assert absent.asked == 1


def test_rows_of_a_table() -> None:
    """A number belongs to its row."""
    page = a_page("| Plan | Price |\n|---|---|\n| Pro | 12 euros |\n| Team | 9 euros |", title="Prices")
    grounding = Grounding((page,), None)
    assert grounding.check("The price of the plan Pro is 12 euros.").supported
    assert not grounding.check("The price of the plan Pro is 9 euros.").supported


def test_code() -> None:
    """Code is held only where all of it stands in a passage."""
    page = a_page("Run this:\n\n```\nkubectl apply -f notes.yaml\n```\n")
    grounding = Grounding((page,), None)
    assert grounding.holds_code("```\nkubectl apply -f notes.yaml\n```").sources == (1,)
    assert not grounding.holds_code("```\nkubectl delete -f notes.yaml\n```").supported


@pytest.mark.parametrize(
    ("claim", "supported"),
    [
        ("1,000 files can be stored.", True),
        ("1000 files can be stored.", True),
        ("100 files can be stored.", False),
        ("They cost 9,99 euros from 2024-05-01.", True),
        ("They cost 9.9 euros from 2024-05-01.", False),
    ],
)
def test_ways_to_write_numbers(claim: str, supported: bool) -> None:
    """Numbers are compared by what they are."""
    page = a_page("1'000 files can be stored. They cost 9.99 euros from 2024-05-01.")
    assert Grounding((page,), None).check(claim).supported is supported


def test_names_in_german() -> None:
    """Where every noun has a capital, capitals make no names."""
    page = a_page("Die Rechnung ist in den Einstellungen, und Sie können sie dort als Datei laden.")
    claim = "Sie können die Rechnung in den Einstellungen laden, und die Vorlage ist eine Datei."
    assert Grounding((page,), None).check(claim).supported


def test_whole_passage_as_it_is() -> None:
    """Each sentence of a passage is supported by it."""
    for page in (PLANS, TEAMS, EXPORT):
        grounding = Grounding((page,), None)
        for sentence in page.text.replace("\n", " ").split(". "):
            if "1." not in sentence and len(sentence) > 20:
                assert grounding.check(sentence).supported, sentence
