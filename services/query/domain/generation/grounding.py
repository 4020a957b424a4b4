"""
Whether a claim is in the passages that were given.

Nothing here asks a model: a claim must share its words with the passage, lie near to it in meaning, and hold
no number, name, address or negation that the passage does not have. Rather a true sentence is cut than a
false one told.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from services.kernel.errors import DomainError
from services.query.domain.generation.evidence import Evidence, Statement
from services.query.domain.generation.facts import (
    Clause,
    binding,
    clauses,
    code_spans,
    denies,
    literals,
    names,
    numbers,
    turned_round,
    word_set,
)
from services.query.domain.passage import Passage
from services.query.domain.text.words import term_set

# The fewer words are shared, the nearer the meaning must be. Chosen on half of mtrag_un: of the sentences of
# its reference answers 79 % pass with the passages they were written from, 5 % with the nearest other ones.
_COSINE_WITHOUT_WORDS, _COSINE_PER_SHARE = 0.95, 0.5
_LEAST_SHARE_ALONE = 0.7
# A citation beside a better one must carry this much of it.
_CARRIES = 0.5
_MOST_CITED = 3
_NEARLY_BEST = 0.1
_SAME_STATEMENT = 0.5


class SentenceSupport(Protocol):
    """Knows how near a text is in meaning to the sentences of passages."""

    def best_cosine(self, text: str, passages: Sequence[Passage]) -> float:
        """
        Return the highest cosine of `text` to a sentence of the passages, -1 to 1.

        Raises:
            DomainError: the vectors can't be had now.
        """
        ...


@dataclass(frozen=True)
class Verdict:
    """`sources` are the numbers, from 1, of the passages that hold a claim, none: it is not supported."""

    sources: tuple[int, ...] = ()
    support: float = 0.0

    @property
    def supported(self) -> bool:
        """Whether a passage holds it."""
        return bool(self.sources)


@dataclass(frozen=True)
class _Claim:
    text: str

    @cached_property
    def terms(self) -> frozenset[str]:
        # Numbers are looked for by themselves, however they are written.
        every = term_set(self.text)
        return frozenset(each for each in every if not each.isdigit()) or every

    @cached_property
    def clauses(self) -> list[Clause]:
        return clauses(self.text)

    @cached_property
    def words(self) -> frozenset[str]:
        return word_set(self.text)


class Grounding:
    """The passages of one answer, and what they can vouch for."""

    def __init__(self, passages: Sequence[Passage], support: SentenceSupport | None) -> None:
        """`passages` are numbered from 1; without `support` words alone decide, and more of them."""
        self._passages = list(passages)
        self._evidence = [Evidence.of(each) for each in passages]
        self._support = support

    @property
    def addresses(self) -> frozenset[str]:
        """The web addresses that stand in the passages."""
        return frozenset[str]().union(*(each.addresses for each in self._evidence))

    def check(self, claim: str, cited: Iterable[int] = ()) -> Verdict:
        """
        Return which passages hold a claim: those cited, together, else the one that holds it best.

        Numbers of passages that were not given count as not cited.
        """
        made = _Claim(claim)
        named = [number for number in dict.fromkeys(cited) if 1 <= number <= len(self._evidence)][
            :_MOST_CITED
        ]
        bases = [named] if named else []
        shares = {
            number: _share(made.terms, each.terms) for number, each in enumerate(self._evidence, start=1)
        }
        best_first = sorted(shares, key=lambda number: (-shares[number], number))
        bases += [[number] for number in best_first if [number] != named]
        for basis in bases:
            share, held = self._held(made, [self._evidence[number - 1] for number in basis])
            if not held:
                continue
            support = self._near(claim, share, basis)
            if support is not None:
                return Verdict(_carrying(basis, shares), support)
        return Verdict()

    def repeats_facts(self, text: str) -> bool:
        """Tell whether a heading or a lead-in has no number, name or address that no passage has."""
        return any(_facts_are_in(_Claim(text), [each]) for each in self._evidence)

    def holds_code(self, code: str) -> Verdict:
        """Return which passage holds a piece of code or a table: each of its lines, nearly to the letter."""
        for number, each in enumerate(self._evidence, start=1):
            if _share(word_set(code), each.words) >= 1.0 and _facts_are_in(_Claim(code), [each]):
                return Verdict((number,), 1.0)
        return Verdict()

    def _held(self, claim: _Claim, basis: Sequence[Evidence]) -> tuple[float, bool]:
        share = _share(claim.terms, frozenset[str]().union(*(each.terms for each in basis)))
        statements = [each for evidence in basis for each in evidence.statements]
        held = _facts_are_in(claim, basis) and _bound(claim, statements) and _same_sense(claim, basis)
        return share, held

    def _near(self, claim: str, share: float, basis: Sequence[int]) -> float | None:
        if self._support is None:
            return share if share >= _LEAST_SHARE_ALONE else None
        try:
            cosine = self._support.best_cosine(claim, [self._passages[number - 1] for number in basis])
        except DomainError:
            # Not to be had now: the words decide, also on the claims that follow.
            self._support = None
            return self._near(claim, share, basis)
        if cosine < _COSINE_WITHOUT_WORDS - _COSINE_PER_SHARE * share:
            return None
        return min(1.0, (share + max(0.0, cosine)) / 2)


def _share(wanted: frozenset[str], held: frozenset[str]) -> float:
    return len(wanted & held) / len(wanted) if wanted else 0.0


def _carrying(basis: Sequence[int], shares: dict[int, float]) -> tuple[int, ...]:
    best = max(shares[number] for number in basis)
    return tuple(number for number in basis if shares[number] >= _CARRIES * best)


def _facts_are_in(claim: _Claim, basis: Sequence[Evidence]) -> bool:
    def held(wanted: Iterable[str], sets: Iterable[frozenset[str]]) -> bool:
        return frozenset(wanted) <= frozenset[str]().union(*sets)

    return (
        held(numbers(claim.text), (each.numbers for each in basis))
        and held(names(claim.text), (each.words for each in basis))
        and held(literals(claim.text), (each.literals for each in basis))
        and all(any(span in each.text for each in basis) for span in code_spans(claim.text))
    )


def _bound(claim: _Claim, statements: Sequence[Statement]) -> bool:
    """Tell whether each number stands in a statement about what the claim says it of."""
    return all(
        any(number in each.numbers and named <= each.named for each in statements)
        for held, named in binding(claim.text)
        for number in held
    )


def _same_sense(claim: _Claim, basis: Sequence[Evidence]) -> bool:
    """Tell whether what the claim denies, and only that, is denied where it is spoken of."""
    statements = [each for evidence in basis for each in evidence.statements]
    affirmed = frozenset[str]().union(*(each.affirmed for each in basis))
    whole = _likest(claim.terms, statements)
    if whole and all(turned_round(claim.words, each.words) for each in whole):
        return False
    if denies(claim.text) and not any(each.denied for each in whole):
        return False
    return all(_same_polarity(clause, statements, affirmed) for clause in claim.clauses)


def _same_polarity(clause: Clause, statements: Sequence[Statement], affirmed: frozenset[str]) -> bool:
    likest = _likest(clause.terms, statements)
    if not likest or _share(clause.terms, likest[0].terms) < _SAME_STATEMENT:
        return not clause.denied
    # "To PDF, but not to Word": what is spoken of only where it is denied.
    denied = any(clause.terms & _denied(each) - affirmed for each in likest)
    alike = any(clause.denied == other for each in likest for other in _polarities(clause, each))
    return alike or denied if clause.denied else alike and not denied


def _denied(statement: Statement) -> frozenset[str]:
    return frozenset[str]().union(*(each.terms for each in statement.clauses if each.denied))


def _polarities(clause: Clause, statement: Statement) -> set[bool]:
    """Return whether the clauses of a statement that speak most of what a clause says are denied."""
    shares = [_share(clause.terms, each.terms) for each in statement.clauses]
    best = max(shares, default=0.0)
    return {
        each.denied
        for each, share in zip(statement.clauses, shares, strict=True)
        if share and share >= best - _NEARLY_BEST
    }


def _likest(wanted: frozenset[str], statements: Sequence[Statement]) -> list[Statement]:
    shares = [_share(wanted, each.terms) for each in statements]
    best = max(shares, default=0.0)
    return [each for each, share in zip(statements, shares, strict=True) if share >= best - _NEARLY_BEST]
