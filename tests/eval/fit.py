"""
`python -m tests.eval.fit --results FILE --intents FILE`: fits the confidence that ships.

RESULTS is what `make eval` wrote of all questions: the model is fitted on their part `tune`, what it does to
the part `test` becomes the shipped calibration. INTENTS has questions of which several mean the same
(CLINC150): how near two of those are says how sure a custom answer is.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import services.query.domain.confidence as shipped
from services.embedding.provider import open_embedder
from services.embedding.settings import load_embedding_settings
from services.query.domain.confidence.model import Model, model_of
from tests.eval.cases import TEST, TUNE
from tests.eval.record import Record

Vector = NDArray[np.float64]

FOLDER = Path(shipped.__file__).parent
# How much a case counts; its questions share it. Two products are one knowledge base seen from both sides.
WEIGHTS = {"squad2_dev": 1.5}
ONE_PRODUCT_ALONE = 0.5
TREES, DEPTH, RATE, LEAF, SHARE, FEATURES = 120, 3, 0.07, 40, 0.7, 8
# How much it counts that the pages answer a question at all, beside that the answer given is right: so that
# silence follows the pages. The logits are then scaled to what is right.
ANSWERABLE = 0.3
FOLDS = 5
STORED, ASKED = 3, 10
LEAST_CUSTOM, THRESHOLD, RELEVANT = 0.78, 0.4, 0.2

RIGHT = "The answer holds a gold string where the set has them, else its first source is a gold document."


def main() -> None:
    """Fit and write both files."""
    parser = argparse.ArgumentParser(prog="python -m tests.eval.fit", description=__doc__)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--intents", type=Path, required=True)
    parser.add_argument("--version", required=True)
    arguments = parser.parse_args()
    records = [Record.from_json(each) for each in json.loads(arguments.results.read_text())["records"]]
    by_case = telling(records)
    tune = {name: [each for each in case if each.part == TUNE] for name, case in by_case.items()}
    data = {
        "version": arguments.version,
        "provenance": {
            "model": f"Gradient boosting for the logistic loss: {TREES} trees of depth {DEPTH}, rate {RATE}, "
            f"at least {LEAF} questions a leaf, {SHARE:.0%} of the questions and {FEATURES} features a tree; "
            f"to being right ({1 - ANSWERABLE:.0%}) and answerable ({ANSWERABLE:.0%}); the logits scaled "
            f"to being right on {FOLDS} folds (Platt 1999).",
            "right": RIGHT,
            "questions": {name: len(case) for name, case in tune.items()},
            "split": "Fitted on questions whose id's SHA-256 begins with an even byte.",
            "custom": f"Logistic of the cosine, CLINC150: {STORED} questions stored of every other intent, "
            f"{ASKED} of each intent asked; right: the nearest has the same intent.",
        },
        "threshold": THRESHOLD,
        "relevant": RELEVANT,
        "custom": custom_match(arguments.intents),
        "trees": trees(tune),
    }
    (FOLDER / "confidence.json").write_text(json.dumps(data, ensure_ascii=False) + "\n", encoding="utf-8")
    pairs = outcomes(model_of(data), [each for case in by_case.values() for each in case])
    measured = {
        "model": arguments.version,
        "measured_on": f"{len(pairs):,} questions that the model was not fitted on: " + ", ".join(by_case),
        "pairs": pairs,
    }
    (FOLDER / "calibration.json").write_text(json.dumps(measured) + "\n", encoding="utf-8")


def telling(records: Sequence[Record]) -> dict[str, list[Record]]:
    """Return, by case, the records of cases with answerable questions and others, in order."""
    by_case: dict[str, list[Record]] = defaultdict(list)
    for each in records:
        if each.features and not each.error:
            by_case[f"{each.set}, {each.variant}" if each.variant else each.set].append(each)
    return {
        name: sorted(case, key=lambda each: each.id)
        for name, case in sorted(by_case.items())
        if {each.answerable for each in case} >= {True, False}
    }


def weight_of(case: str) -> float:
    """Return how much a case counts."""
    return ONE_PRODUCT_ALONE if case.endswith("alone") else WEIGHTS.get(case, 1.0)


def trees(tune: dict[str, list[Record]]) -> dict[str, Any]:
    """Return the fitted trees as `Trees.of` reads them."""
    names = list(next(iter(tune.values()))[0].features)
    every = [(name, each) for name, case in tune.items() for each in case]
    seen = np.array([[each.features[name] for name in names] for _, each in every])
    right = np.array([float(each.right) for _, each in every])
    answerable = np.array([float(bool(each.answerable)) for _, each in every])
    weights = np.array([weight_of(name) / len(tune[name]) for name, _ in every])
    weights /= weights.mean()

    unseen = np.zeros(len(every))
    fold = np.random.default_rng(0).integers(0, FOLDS, len(every))
    for number in range(FOLDS):
        others = fold != number
        part = _boosted(seen[others], right[others], answerable[others], weights[others])
        unseen[~others] = part.decision_function(seen[~others])
    slope, intercept = logistic(unseen, right)

    fitted = _boosted(seen, right, answerable, weights)
    prior = float(fitted.init_.class_prior_[1])
    return {
        "features": names,
        "base": round(slope * float(np.log(prior / (1 - prior))) + intercept, 6),
        "trees": [_columns(each[0].tree_, slope * RATE) for each in fitted.estimators_],
    }


def _boosted(seen: Vector, right: Vector, answerable: Vector, weights: Vector) -> Any:
    # An extra of the project, for those who fit: `make fit` installs it.
    from sklearn.ensemble import GradientBoostingClassifier

    return GradientBoostingClassifier(
        n_estimators=TREES,
        max_depth=DEPTH,
        learning_rate=RATE,
        min_samples_leaf=LEAF,
        subsample=SHARE,
        max_features=FEATURES,
        random_state=0,
    ).fit(
        np.concatenate([seen, seen]),
        np.concatenate([right, answerable]),
        sample_weight=np.concatenate([weights * (1 - ANSWERABLE), weights * ANSWERABLE]),
    )


def _columns(tree: Any, rate: float) -> list[list[float]]:
    leaf = tree.children_left == -1
    values = np.where(leaf, tree.value[:, 0, 0] * rate, tree.threshold)
    return [
        np.where(leaf, -1, tree.feature).tolist(),
        values.round(6).tolist(),
        np.where(leaf, 0, tree.children_left).tolist(),
        np.where(leaf, 0, tree.children_right).tolist(),
    ]


def outcomes(model: Model, records: Sequence[Record]) -> list[tuple[float, int]]:
    """Return score and rightness of the questions that the model was not fitted on, lowest scores first."""
    tested = [each for each in records if each.part == TEST]
    return sorted((model.score_of(each.features), int(each.right)) for each in tested)


def custom_match(path: Path) -> dict[str, float]:
    """Return the logistic of the cosine between two questions that mean the same or not."""
    by_intent: dict[str, list[str]] = defaultdict(list)
    for line in path.read_text(encoding="utf-8").splitlines():
        asked = json.loads(line)
        by_intent[asked["intent"]].append(asked["text"])
    chance = random.Random(1)
    stored: list[tuple[str, str]] = []
    questions: list[tuple[str, str]] = []
    for place, (intent, texts) in enumerate(sorted(by_intent.items())):
        chance.shuffle(texts)
        stored += [(intent, each) for each in texts[:STORED] if place % 2]
        questions += [(intent, each) for each in texts[STORED : STORED + ASKED]]
    embedder = open_embedder(load_embedding_settings())
    known = np.stack([embedder.embed_query(text) for _, text in stored])
    cosines = np.stack([embedder.embed_query(text) for _, text in questions]) @ known.T
    nearest = cosines.argmax(axis=1)
    same = np.array([stored[at][0] == intent for at, (intent, _) in zip(nearest, questions, strict=True)])
    weight, intercept = logistic(cosines.max(axis=1).astype(float), same.astype(float))
    return {"intercept": round(intercept, 4), "weight": round(weight, 4), "least": LEAST_CUSTOM}


def logistic(values: Vector, right: Vector) -> tuple[float, float]:
    """Return weight and intercept of the logistic of one value, by Newton's method."""
    columns = np.column_stack([values, np.ones(len(values))])
    fitted = np.zeros(2)
    for _ in range(30):
        likely = 1 / (1 + np.exp(-columns @ fitted))
        curvature = (columns * (likely * (1 - likely))[:, None]).T @ columns
        fitted += np.linalg.solve(curvature + 1e-9 * np.eye(2), columns.T @ (right - likely))
    return float(fitted[0]), float(fitted[1])


if __name__ == "__main__":
    main()
