"""From the records of questions to figures with their intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tests.eval.metrics import (
    Numbers,
    Outcomes,
    Places,
    auroc,
    calibration_error,
    coverage_at,
    interval,
    mean_interval,
)
from tests.eval.record import Record

MORE, LESS, NEITHER = "more", "less", ""
POOLED = "all pooled"
RETRIEVERS = ("bm25", "dense", "hybrid")
RISKS = (0.05, 0.10)
LENGTHS = (300, 400)


@dataclass(frozen=True)
class Figure:
    """A figure of `count` questions with its 95 % interval, and whether more or less of it is better."""

    value: float
    low: float
    high: float
    count: int
    better: str


Figures = dict[str, Figure]
"""By name."""


def figures_of(records: Iterable[Record]) -> dict[str, Figures]:
    """Return the figures of each case by its name, and those of all questions together."""
    cases: dict[str, list[Record]] = {}
    for each in records:
        cases.setdefault(f"{each.set}, {each.variant}" if each.variant else each.set, []).append(each)
    found = {
        name: {**_ranking(group), **_answers(group), **_abstention(group), **_calibration(group)}
        for name, group in cases.items()
    }
    found[POOLED] = _calibration([each for group in cases.values() for each in group])
    return found


def _ranking(records: Sequence[Record]) -> Figures:
    ranked = [each for each in records if each.ranks]
    if not ranked:
        return {}
    found: Figures = {}
    ndcgs: dict[str, Numbers] = {}
    for name in RETRIEVERS:
        ranks = [each.ranks[name] for each in ranked]
        ndcgs[name] = np.array([each.ndcg for each in ranks])
        found[f"{name} nDCG@10"] = _mean(ndcgs[name])
        found[f"{name} R@10"] = _mean([each.recall for each in ranks])
        found[f"{name} hit@1"] = _mean([each.hit for each in ranks])
    better_half = max((ndcgs["bm25"], ndcgs["dense"]), key=lambda each: float(each.mean()))
    found["hybrid above its better half, nDCG@10"] = _mean(ndcgs["hybrid"] - better_half)
    return found


def _answers(records: Sequence[Record]) -> Figures:
    answerable = [each for each in records if each.answerable]
    cited = [each for each in records if each.citations]
    found: Figures = {}
    if answerable:
        found["right"] = _mean([each.right for each in answerable])
        found["gold page among the sources"] = _mean([each.gold_among_sources for each in answerable])
        found["mean length"] = _mean([each.length for each in answerable], NEITHER)
        for most in LENGTHS:
            found[f"at most {most} characters"] = _mean([each.length <= most for each in answerable], NEITHER)
    if cited:
        valid = [each.citations == each.valid_citations for each in cited]
        found["every citation quotes its source"] = _mean(valid)
    with_strings = [each for each in answerable if each.holds_gold is not None]
    if 2 * len(with_strings) >= max(1, len(answerable)):
        found["holds gold"] = _mean([bool(each.holds_gold) for each in with_strings])
        for most in LENGTHS:
            held = [each.at_lengths[str(most)] for each in with_strings if str(most) in each.at_lengths]
            if held:
                kept = [each.gold and each.length <= most for each in held]
                found[f"holds gold, set to {most} characters"] = _mean(kept)
                found[f"mean length, set to {most}"] = _mean([each.length for each in held], NEITHER)
    found["refused with an error"] = _mean([bool(each.error) for each in records], LESS)
    found["the same when asked again"] = _mean([each.repeated for each in records])
    return found


def _abstention(records: Sequence[Record]) -> Figures:
    known = [each for each in records if each.answerable is not None]
    can, can_not = ([each for each in known if each.answerable is kind] for kind in (True, False))
    found: Figures = {}
    if can:
        found["answered of answerable"] = _mean([each.answered for each in can])
    if can_not:
        found["answered of unanswerable"] = _mean([each.answered for each in can_not], LESS)
    if can and can_not:
        scores, kinds = _scores(known), np.array([bool(each.answerable) for each in known])
        found["AUROC"] = _figure(lambda at: auroc(scores[at], kinds[at]), len(known), MORE)
    answered = [each for each in known if each.answered]
    if answered:
        found["wrong of answered"] = _mean([not each.right for each in answered], LESS)
    return found


def _calibration(records: Sequence[Record]) -> Figures:
    known = [each for each in records if each.answerable is not None]
    if not known:
        return {}
    scores, right = _scores(known), np.array([each.right for each in known])
    found = {
        "mean score": _mean(scores, NEITHER),
        "right of all": _mean(right, NEITHER),
        "ECE": _figure(lambda at: calibration_error(scores[at], right[at]), len(known), LESS),
    }
    if right.any() and not right.all():
        found["AUROC of being right"] = _figure(lambda at: auroc(scores[at], right[at]), len(known), MORE)
    for risk in RISKS:
        found[f"coverage with at most {risk:.0%} wrong"] = _figure(
            _coverage(scores, right, risk), len(known), MORE
        )
    return found


def _coverage(scores: Numbers, right: Outcomes, risk: float) -> Callable[[Places], float]:
    return lambda at: coverage_at(scores[at], right[at], risk)


def _scores(records: Sequence[Record]) -> Numbers:
    return np.array([each.score for each in records])


def _mean(values: Sequence[float] | Sequence[bool] | Numbers | Outcomes, better: str = MORE) -> Figure:
    bounds = mean_interval(values)
    return Figure(float(np.mean(values)), bounds.low, bounds.high, len(values), better)


def _figure(figure: Callable[[Places], float], count: int, better: str) -> Figure:
    bounds = interval(figure, count)
    return Figure(figure(np.arange(count)), bounds.low, bounds.high, count, better)
