"""What a question costs: times and processor time, beside those of its embedding, in the same minutes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tests.eval.dataset import Question
from tests.eval.stack import Loaded, Stack

SAMPLE = 100
ROUNDS = 3
IDLE_SECONDS = 2.0
# As many as the query service asks for.
PASSAGES = 24


@dataclass(frozen=True)
class Cost:
    """Of one kind of call: p50 and p95 in milliseconds, and the mean of the processor's milliseconds."""

    p50: float
    p95: float
    cpu: float


@dataclass(frozen=True)
class Costs:
    """
    By kind: embedding (in this process, the last turn alone), search (of that vector and text), query (the
    RPC itself) and http (the same through the gateway); `stages` has the medians that the explanation tells.

    Of one caller, after another call of the same kind; `idle` are processor seconds per second of doing
    nothing, which are part of every `cpu`.
    """

    questions: int
    kinds: dict[str, Cost]
    stages: dict[str, float]
    idle: float


def measure(stack: Stack, loaded: Loaded, questions: Sequence[Question]) -> Costs:
    """Ask some of the questions, `ROUNDS` times, the kinds of calls taking turns."""
    asked = sampled(questions)
    before, began = stack.cpu_seconds(), time.perf_counter()
    time.sleep(IDLE_SECONDS)
    idle = (stack.cpu_seconds() - before) / (time.perf_counter() - began)

    vectors = {each.id: stack.embedder.embed_query(each.text) for each in asked}
    calls: dict[str, tuple[Callable[[Question], object], Callable[[], float]]] = {
        "embedding": (lambda each: stack.embedder.embed_query(each.text), time.process_time),
        "search": (
            lambda each: stack.search(
                loaded, text=each.text, vector=vectors[each.id], limit=PASSAGES, exact=False
            ),
            stack.cpu_seconds,
        ),
        "query": (lambda each: stack.query(loaded, each), stack.cpu_seconds),
        "http": (lambda each: _over_http(loaded, each), stack.cpu_seconds),
    }
    taken: dict[str, list[float]] = {name: [] for name in calls}
    used = dict.fromkeys(calls, 0.0)
    for _ in range(ROUNDS):
        for name, (call, cpu) in calls.items():
            at = cpu()
            taken[name] += _timed(call, asked)
            used[name] += cpu() - at
    stages = [stack.query(loaded, each, explain=True) for each in asked]
    kinds = {
        name: Cost(
            p50=float(np.median(times)),
            p95=float(np.quantile(times, 0.95)),
            cpu=1000 * used[name] / len(times),
        )
        for name, times in taken.items()
    }
    return Costs(len(asked), kinds, _medians(stages), idle)


def sampled(questions: Sequence[Question]) -> list[Question]:
    """Return at most `SAMPLE` questions, spread evenly over all."""
    step = max(1, len(questions) / SAMPLE)
    return [questions[int(number * step)] for number in range(min(SAMPLE, len(questions)))]


def _timed(call: Callable[[Question], object], questions: Iterable[Question]) -> list[float]:
    times = []
    for each in questions:
        began = time.perf_counter()
        call(each)
        times.append(1000 * (time.perf_counter() - began))
    return times


def _over_http(loaded: Loaded, question: Question) -> object:
    history = [{"role": role, "content": text} for role, text in question.history]
    return loaded.agent.query(question.text, history=history, store=False, min_confidence=0)


def _medians(stages: Sequence[dict[str, float]]) -> dict[str, float]:
    names = sorted({name for each in stages for name in each})
    return {name: float(np.median([each[name] for each in stages if name in each])) for name in names}
