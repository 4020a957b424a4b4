"""Boosted decision trees as data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import index
from typing import Any

_LEAF = -1


@dataclass(frozen=True)
class _Tree:
    """Nodes in columns: a feature's number, -1 at a leaf; a threshold or a leaf's value; both children."""

    feature: tuple[int, ...]
    value: tuple[float, ...]
    below: tuple[int, ...]
    above: tuple[int, ...]


@dataclass(frozen=True)
class Trees:
    """
    A sum of trees over named features: a logit (Friedman 2001, "Greedy function approximation").

    At a node a feature at most as large as the threshold goes on below, else above.
    """

    features: tuple[str, ...]
    base: float
    trees: tuple[_Tree, ...]

    @classmethod
    def of(cls, data: Any, known: Sequence[str]) -> "Trees":
        """
        Return the trees that JSON holds: `features`, `base`, and `trees` as lists of the four columns.

        Raises:
            ValueError: it is another form, or has features that are not `known`.
        """
        try:
            features = tuple(data["features"])
            trees = tuple(_tree(*tree) for tree in data["trees"])
            base = float(data["base"])
        except (KeyError, TypeError) as error:
            raise ValueError("no trees") from error
        if set(features) - set(known):
            raise ValueError("features that nobody computes")
        if not all(_is_sound(tree, len(features)) for tree in trees):
            raise ValueError("a tree that leads nowhere")
        return cls(features, base, trees)

    def logit(self, seen: Mapping[str, float]) -> float:
        """Return the sum for these features."""
        values = [seen[name] for name in self.features]
        return self.base + sum(_leaf(tree, values) for tree in self.trees)


def _tree(
    feature: Sequence[int], value: Sequence[float], below: Sequence[int], above: Sequence[int]
) -> _Tree:
    features, low, high = (tuple(index(each) for each in column) for column in (feature, below, above))
    return _Tree(features, tuple(float(each) for each in value), low, high)


def _is_sound(tree: _Tree, features: int) -> bool:
    """Tell whether every way through a tree goes forward, by features that there are, to a leaf."""
    size = len(tree.feature)
    if not size or {len(tree.value), len(tree.below), len(tree.above)} != {size}:
        return False
    nodes = zip(tree.feature, tree.below, tree.above, strict=True)
    return all(
        feature == _LEAF or (0 <= feature < features and at < below < size and at < above < size)
        for at, (feature, below, above) in enumerate(nodes)
    )


def _leaf(tree: _Tree, values: Sequence[float]) -> float:
    at = 0
    while tree.feature[at] != _LEAF:
        at = tree.below[at] if values[tree.feature[at]] <= tree.value[at] else tree.above[at]
    return tree.value[at]
