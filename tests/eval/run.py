"""Loads every case, asks its questions, and measures what a question costs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.e2e.system import System
from tests.eval.asking import ask_all, ask_at_lengths
from tests.eval.cases import ALL, Case, cases
from tests.eval.costs import Costs, measure
from tests.eval.dataset import DataSet
from tests.eval.figures import LENGTHS
from tests.eval.record import Record
from tests.eval.stack import Failure, Loaded, Stack

TOLD_EVERY_SECONDS = 15.0

Say = Callable[[str], None]


@dataclass(frozen=True)
class Loading:
    """How a case's pages were loaded."""

    pages: int
    chunks: int
    seconds: float
    failures: tuple[Failure, ...]


@dataclass
class Evaluation:
    """What came of a run; `loadings` and `costs` by case."""

    records: list[Record] = field(default_factory=list)
    loadings: dict[str, Loading] = field(default_factory=dict)
    costs: dict[str, Costs] = field(default_factory=dict)


def run(system: System, sets: Sequence[DataSet], say: Say, *, part: str = ALL, most: int = 0) -> Evaluation:
    """
    Ask the questions of `part`, at most `most` (0: all) of each set.

    Costs are measured with all pages loaded. `say` gets a line for people now and then.

    Raises:
        SystemFailed: pages could not be indexed.
    """
    evaluation = Evaluation()
    stack = Stack(system)
    try:
        for data in sets:
            for case in cases(data, part, most):
                if case.questions and case.pages:
                    _run_case(stack, case, evaluation, say)
    finally:
        stack.close()
    return evaluation


def _run_case(stack: Stack, case: Case, evaluation: Evaluation, say: Say) -> None:
    say(f"{case.name}: loading {len(case.pages):,} pages as {case.content_type}")
    with stack.load(case) as loaded:
        evaluation.loadings[case.name] = _loading(case, loaded)
        say(f"{case.name}: {loaded.chunks:,} passages after {loaded.seconds:.0f} s; asking")
        records = ask_all(stack, case, loaded, _Teller(case.name, say))
        fine = [each for each, record in zip(case.questions, records, strict=True) if not record.error]
        if fine and not case.variant:
            evaluation.costs[case.name] = measure(stack, loaded, fine)
            if case.has_gold_strings:
                say(f"{case.name}: answers of at most {', '.join(map(str, LENGTHS))} characters")
                records = ask_at_lengths(stack, case, loaded, records, LENGTHS)
        evaluation.records += records


def _loading(case: Case, loaded: Loaded) -> Loading:
    return Loading(len(case.pages), loaded.chunks, loaded.seconds, loaded.failures)


class _Teller:
    """Says how far the questions are, a few times a minute."""

    def __init__(self, name: str, say: Say) -> None:
        self._name = name
        self._say = say
        self._told = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if done == total or now - self._told > TOLD_EVERY_SECONDS:
            self._told = now
            self._say(f"{self._name}: {done:,} of {total:,} questions")
