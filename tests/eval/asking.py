"""Asks the questions of a case and judges the replies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from gateway.client.errors import ApiError, ClientError
from services.kernel.errors import DomainError
from tests.eval.cases import Case
from tests.eval.dataset import Question
from tests.eval.record import Held, Rank, Record, judge, refused
from tests.eval.stack import Loaded, Stack

THREADS = 2
MAX_RESULTS = 50
# What vector_search gives at most: enough that ten documents are among its passages.
PASSAGES = 200

Progress = Callable[[int, int], None]


def ask_all(stack: Stack, case: Case, loaded: Loaded, progress: Progress) -> list[Record]:
    """Return a record of each question, in their order."""
    records = []
    with ThreadPoolExecutor(THREADS) as threads:
        for record in threads.map(lambda each: ask(stack, case, loaded, each), case.questions):
            records.append(record)
            progress(len(records), len(case.questions))
    return records


def ask_at_lengths(
    stack: Stack, case: Case, loaded: Loaded, records: Sequence[Record], lengths: Sequence[int]
) -> list[Record]:
    """Return the records with what came of answers of at most so many characters, where strings are gold."""
    found: list[dict[str, Held]] = [{} for _ in records]

    def again(number: int) -> Held:
        question = case.questions[number]
        reply = loaded.agent.query(**_asked(question), store=False, min_confidence=0)
        return Held.of(reply["answer"], question.answers)

    wanted = [
        number
        for number, record in enumerate(records)
        if record.answerable and record.holds_gold is not None and not record.error
    ]
    for length in lengths:
        stack.limit_answers(loaded, length)
        with ThreadPoolExecutor(THREADS) as threads:
            for number, held in zip(wanted, threads.map(again, wanted), strict=True):
                found[number][str(length)] = held
    return [replace(record, at_lengths=each) for record, each in zip(records, found, strict=True)]


def ask(stack: Stack, case: Case, loaded: Loaded, question: Question) -> Record:
    """
    Ask a question through the gateway, for sure and as everybody does; rank the pages where that is due.

    Each ranking is of documents by their best passage. BM25 and dense alone get the question as it stands,
    hybrid gets what was said before it too.
    """
    name = (case.set, case.variant)
    asked = _asked(question)
    try:
        sure = loaded.agent.query(**asked, store=False, min_confidence=0, explain=True)
        default = loaded.agent.query(**asked, store=False)
        ranks = _ranks(stack, loaded, question, asked) if question.gains and not case.variant else {}
    except (ApiError, DomainError) as error:
        return refused(question, name, error.code if isinstance(error, ApiError) else error.reason)
    except ClientError as error:
        return refused(question, name, type(error).__name__)
    return judge(question, name, sure, default, loaded.pages, by_strings=case.has_gold_strings, ranks=ranks)


def _asked(question: Question) -> dict[str, Any]:
    history = [{"role": role, "content": text} for role, text in question.history]
    return {"message": question.text, "exact": True, **({"history": history} if history else {})}


def _ranks(stack: Stack, loaded: Loaded, question: Question, asked: dict[str, Any]) -> dict[str, Rank]:
    vector = stack.embedder.embed_query(question.text)
    results = loaded.agent.search(**asked, max_results=MAX_RESULTS)["results"]
    found = {
        "bm25": stack.search(loaded, text=question.text, limit=PASSAGES),
        "dense": stack.search(loaded, vector=vector, limit=PASSAGES),
        "hybrid": [each["document_id"] for each in results],
    }
    return {name: Rank.of(loaded.ids(documents), question.gains) for name, documents in found.items()}
