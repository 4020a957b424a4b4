"""Boosted trees, made by hand."""

from typing import Any

import pytest

from services.query.domain.confidence.trees import Trees

KNOWN = ("dense", "support", "length")
# dense <= .5 ? (support <= .25 ? -1 : .5) : 2
TREE = [[0, 1, -1, -1, -1], [0.5, 0.25, 2.0, -1.0, 0.5], [1, 3, 0, 0, 0], [2, 4, 0, 0, 0]]
LEAF = [[-1], [0.125], [0], [0]]


def trees(*every: Any, features: Any = ("dense", "support"), base: Any = 0.25) -> Trees:
    """Return trees as JSON would hold them."""
    return Trees.of({"features": features, "base": base, "trees": list(every)}, KNOWN)


@pytest.mark.parametrize(
    ("dense", "support", "logit"),
    [(0.5, 0.25, -1.0), (0.5, 0.26, 0.5), (0.51, 0.0, 2.0), (-1.0, -1.0, -1.0)],
)
def test_a_feature_goes_below_up_to_the_threshold(dense: float, support: float, logit: float) -> None:
    """The threshold itself included; other features do not matter."""
    seen = {"dense": dense, "support": support, "length": 9.0}
    assert trees(TREE, base=0.0).logit(seen) == logit


def test_trees_add_up() -> None:
    """To the base, each its leaf."""
    assert trees(TREE, LEAF, LEAF).logit({"dense": 1.0, "support": 0.0}) == 2.5
    assert trees().logit({"dense": 1.0, "support": 0.0}) == 0.25


def test_features_have_the_places_that_the_data_names() -> None:
    """Not those in which they are computed."""
    swapped = trees(TREE, features=["support", "dense"], base=0.0)
    assert swapped.logit({"dense": 0.0, "support": 0.6}) == 2.0


@pytest.mark.parametrize(
    "tree",
    [
        [[], [], [], []],
        [[0], [0.5], [0], [0]],
        [[0, -1], [0.5, 1.0], [1, 0], [2, 0]],
        [[0, 0, -1], [0.5, 0.5, 1.0], [1, 0, 0], [2, 2, 0]],
        [[0, -1, -1], [0.5, 1.0, 1.0], [-2, 0, 0], [2, 0, 0]],
        [[2, -1, -1], [0.5, 1.0, 1.0], [1, 0, 0], [2, 0, 0]],
        [[-2, -1, -1], [0.5, 1.0, 1.0], [1, 0, 0], [2, 0, 0]],
        [[0.5, -1, -1], [0.5, 1.0, 1.0], [1, 0, 0], [2, 0, 0]],
        [[0, -1, -1], [0.5, 1.0], [1, 0, 0], [2, 0, 0]],
        [[0, -1, -1], [0.5, 1.0, 1.0], [1, 0], [2, 0, 0]],
        [[0, -1, -1], [0.5, "high", 1.0], [1, 0, 0], [2, 0, 0]],
        [[0, -1, -1], [0.5, 1.0, 1.0], ["1", 0, 0], [2, 0, 0]],
        [[-1], [0.5], [0]],
        [[-1], 0.5, [0], [0]],
        7,
    ],
    ids=[
        "no nodes", "to itself", "beyond the end", "back", "before the beginning", "no such feature",
        "negative feature", "half a feature", "too few values", "too few children", "a word for a value",
        "a word for a node", "three columns", "no column", "no tree",
    ],
)  # fmt: skip
def test_a_tree_that_leads_nowhere_is_refused(tree: Any) -> None:
    """Before any answer is scored by it."""
    with pytest.raises(ValueError, match=r"leads nowhere|no trees|could not convert"):
        trees(TREE, tree)


@pytest.mark.parametrize(
    "data", [{}, [], None, {"features": [], "trees": []}, {"features": 7, "trees": [], "base": 0}]
)
def test_what_holds_no_trees_is_refused(data: Any) -> None:
    """Whatever it is."""
    with pytest.raises(ValueError, match="no trees"):
        Trees.of(data, KNOWN)


def test_a_feature_that_nobody_computes_is_refused() -> None:
    """A model of another version is not taken for ours."""
    with pytest.raises(ValueError, match="nobody computes"):
        trees(LEAF, features=["dense", "colour"])
