"""A re-index with another model, and the way back, under questions whose right answers are known."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.knowledge.asking import Answer, Latency, asked, searches
from tests.bench.knowledge.installation import Base, accepted
from tests.bench.knowledge.replicas import Together, TwoReplicas

QUESTIONS = 50
_AFTERWARDS_SECONDS = 5.0


@dataclass(frozen=True)
class Reindexing:
    """
    What was seen while a re-index ran.

    An answer is right if it is byte by byte what the old or what the new generation says by itself; `mixed`
    is neither. `late` answers are from the old one although begun after another one had come from the new.
    """

    kind: str
    seconds: float
    latency: Latency
    old: int
    new: int
    mixed: int
    late: int
    replicas: Together


def measure(base: Base, replicas: TwoReplicas, questions: Sequence[str], kind: str) -> Reindexing:
    """Run one; `kind` is reindex or rollback."""
    path = {"reindex": "/v1/knowledge/reindex", "rollback": "/v1/knowledge/reindex/rollback"}[kind]
    ask = searches(base.http, questions, exact=True)
    before = {number: _results(ask(number)[1]) for number in range(len(questions))}
    old = base.state()["generation"]
    asking = replicas.begin()
    with asked(ask) as answers:
        operation = base.ended(accepted(base.http.post(path, json={})))
        if operation["status"] != "succeeded":
            raise RuntimeError(f"{kind}: {operation}")
        time.sleep(_AFTERWARDS_SECONDS)
    after = {number: _results(ask(number)[1]) for number in range(len(questions))}
    both = replicas.end(asking, old, base.state()["generation"])
    return judged(kind, answers, before, after, both)


def judged(
    kind: str,
    answers: Sequence[Answer],
    before: dict[int, object],
    after: dict[int, object],
    replicas: Together,
) -> Reindexing:
    """Hold every answer against what each generation says by itself."""
    good = [each for each in answers if each.status == 200]
    old = [each for each in good if _results(each.body) == before[each.question % len(before)]]
    new = [each for each in good if _results(each.body) == after[each.question % len(after)]]
    alike = sum(1 for number in before if before[number] == after[number])
    if alike:
        raise RuntimeError(f"{alike} questions have the same answer in both generations")
    over = min((each.ended for each in new), default=float("inf"))
    return Reindexing(
        kind=kind,
        seconds=answers[-1].ended - answers[0].begun,
        latency=Latency.of(answers),
        old=len(old),
        new=len(new),
        mixed=len(good) - len(old) - len(new),
        late=sum(1 for each in old if each.begun > over),
        replicas=replicas,
    )


def _results(body: bytes) -> object:
    return json.loads(body).get("results")
