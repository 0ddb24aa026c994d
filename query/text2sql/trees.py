"""Boosted trees without the library that grew them: a few lists of numbers, summed in plain Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Node = tuple[str, float, int, int] | float  # (feature, threshold, where to go at or below it, else), or a leaf's value


@dataclass(frozen=True)
class Trees:
    """An additive model in logits: `start` and a tree's leaf value each. A feature that is not given is 0."""

    start: float
    trees: tuple[tuple[Node, ...], ...]

    @classmethod
    def read(cls, held: Mapping[str, Any]) -> Trees:
        """From JSON: `names`, `start`, and trees of leaves (a number) and nodes [name, threshold, low, high]."""
        names: Sequence[str] = held["names"]
        return cls(
            float(held["start"]),
            tuple(
                tuple(
                    (names[n[0]], float(n[1]), int(n[2]), int(n[3])) if isinstance(n, list) else float(n) for n in tree
                )
                for tree in held["trees"]
            ),
        )

    def score(self, values: Mapping[str, float]) -> float:
        """The sum for `values`, in logits."""
        total = self.start
        for tree in self.trees:
            node = tree[0]
            while isinstance(node, tuple):
                node = tree[node[2] if values.get(node[0], 0.0) <= node[1] else node[3]]
            total += node
        return total

    @property
    def names(self) -> frozenset[str]:
        """The features that some tree asks for."""
        return frozenset(n[0] for tree in self.trees for n in tree if isinstance(n, tuple))
