"""What is loaded and asked."""

from hashlib import sha256

from tests.eval.cases import ALL, TEST, TUNE, WITHHELD, cases, chosen, part_of
from tests.eval.dataset import DataSet, Page, Question


def odd(text: str) -> bool:
    """Return whether the SHA-256 of a text begins with an odd byte."""
    return sha256(text.encode()).digest()[0] % 2 == 1


KEPT = [name for name in map(str, range(40)) if odd(name)]
GONE = [name for name in map(str, range(40)) if not odd(name)]


def some_set(*, products: bool) -> DataSet:
    """Return forty pages of two products, and questions about some of them."""
    pages = tuple(
        Page(str(number), "t", "x", product=("leaf", "pot")[number // 20] if products else "")
        for number in range(40)
    )
    gold = {"kept": KEPT[:2], "gone": GONE[:2], "torn": [KEPT[0], GONE[0]], "late": ["39"]}
    questions = [
        Question(name, "?", gains=dict.fromkeys(names, 1.0), answerable=True) for name, names in gold.items()
    ]
    return DataSet("tea", pages, (*questions, Question("none", "?", answerable=False)))


def test_a_set_without_products_is_one_case() -> None:
    """All pages, all questions."""
    (case,) = cases(some_set(products=False))
    assert (case.name, len(case.pages), len(case.questions)) == ("tea", 40, 5)


def test_products_are_loaded_alone_too() -> None:
    """With one product, the questions about the other one can't be answered; torn ones are left out."""
    data = some_set(products=True)
    by_name = {case.name: case for case in cases(data)}
    assert list(by_name) == ["tea", "tea, leaf alone", "tea, pot alone", f"tea, {WITHHELD}"]
    leaf, pot = by_name["tea, leaf alone"], by_name["tea, pot alone"]
    assert {page.product for page in leaf.pages} == {"leaf"}
    assert {each.id: each.answerable for each in leaf.questions}["late"] is False
    assert {each.id: each.answerable for each in pot.questions}["late"] is True
    for case in (leaf, pot):
        assert "none" not in {each.id for each in case.questions}


def test_half_of_the_pages_is_withheld_by_hash() -> None:
    """Even first bytes go; who loses all gold pages can't be answered, who loses some is left out."""
    case = next(each for each in cases(some_set(products=True)) if each.variant == WITHHELD)
    assert [page.id for page in case.pages] == KEPT
    assert {each.id: each.answerable for each in case.questions} == {
        "kept": True,
        "gone": False,
        "late": odd("39"),
    }


def test_parts_are_halves_by_hash() -> None:
    """Every question is in one of two parts, by the first byte of its id's SHA-256."""
    questions = [Question(str(number), "?") for number in range(100)]
    tune, test = chosen(questions, TUNE), chosen(questions, TEST)
    assert {each.id for each in test} == {each.id for each in questions if odd(each.id)}
    assert len(tune) + len(test) == 100
    assert part_of(test[0].id) == TEST
    assert chosen(questions, ALL) == tuple(questions)


def test_a_few_are_the_same_few_each_time() -> None:
    """A limit takes the same questions whatever their order, and keeps their order."""
    questions = [Question(str(number), "?") for number in range(100)]
    few = [each.id for each in chosen(questions, ALL, 10)]
    assert len(few) == 10
    assert few == [each.id for each in chosen(questions[::-1], ALL, 10)][::-1]
    assert few != [str(number) for number in range(10)]
