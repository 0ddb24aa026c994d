"""The join graph: which joins connect a set of tables, and where a join multiplies rows."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from index.catalogue.model import Catalogue, Join
from query.text2sql.tokens import stems_of

PATHS_KEPT = 4_000  # the readings of one question ask for the same paths


@dataclass(frozen=True)
class Step:
    """One join taken from `source` to `target`; `to_many` when a row of the source may meet several of the target."""

    source: str
    target: str
    source_columns: tuple[str, ...]
    target_columns: tuple[str, ...]
    to_many: bool


class JoinGraph:
    """Shortest join paths. Many-to-one steps cost a little less than one-to-many ones, so that look-ups win ties."""

    def __init__(self, catalogue: Catalogue, tables: frozenset[str]) -> None:
        self._steps: dict[str, list[Step]] = {name: [] for name in tables}
        keys = {t.name: t.key for t in catalogue.tables}
        for join in catalogue.joins:
            if join.left in tables and join.right in tables:
                self._add(join, keys)
        named = Counter(s for name in tables for s in set(stems_of(name)))
        self._own = {name: frozenset(s for s in stems_of(name) if named[s] == 1) for name in tables}
        self._distance: dict[str, dict[str, int]] = {}
        self._paths: dict[tuple[tuple[str, ...], str, frozenset[str], bool], list[Step] | None] = {}

    def _add(self, join: Join, keys: dict[str, tuple[str, ...]]) -> None:
        one_to_one = set(keys.get(join.left, ())) == set(join.left_columns) and bool(join.left_columns)
        self._steps[join.left].append(Step(join.left, join.right, join.left_columns, join.right_columns, False))
        if join.left != join.right:
            self._steps[join.right].append(
                Step(join.right, join.left, join.right_columns, join.left_columns, not one_to_one)
            )

    def steps(self, table: str) -> list[Step]:
        """Every join that starts at `table`."""
        return self._steps.get(table, [])

    def distance(self, source: str, target: str) -> int:
        """The fewest joins between two tables; 99 when nothing connects them."""
        if source not in self._distance:
            seen = {source: 0}
            queue = deque([source])
            while queue:
                here = queue.popleft()
                for step in self.steps(here):
                    if step.target not in seen:
                        seen[step.target] = seen[here] + 1
                        queue.append(step.target)
            self._distance[source] = seen
        return self._distance[source].get(target, 99)

    def path(
        self, sources: Iterable[str], target: str, hints: frozenset[str] = frozenset(), *, upwards: bool = False
    ) -> list[Step] | None:
        """The cheapest joins from any of `sources` to `target`; None when nothing connects them.

        `hints` are stems of the question: a join whose column names share one is preferred. With `upwards` every row
        meets one row at most on its way.
        """
        asked = (tuple(sources), target, hints, upwards)
        if asked not in self._paths:
            if len(self._paths) >= PATHS_KEPT:
                self._paths.clear()
            self._paths[asked] = self._path(*asked)
        found = self._paths[asked]
        return None if found is None else list(found)

    def _path(self, sources: tuple[str, ...], target: str, hints: frozenset[str], upwards: bool) -> list[Step] | None:
        best: dict[str, tuple[float, list[Step]]] = {s: (0.0, []) for s in sources}
        frontier = list(best)
        while frontier:
            following: list[str] = []
            for here in frontier:
                cost, path = best[here]
                if target in best and cost >= best[target][0]:
                    continue  # every step costs something: nothing cheaper leads there from here
                for step in self.steps(here):
                    if upwards and step.to_many:
                        continue
                    new = cost + 1.0 + (0.1 if step.to_many else 0.0) - 0.3 * self._hinted(step, hints) - _akin(step)
                    if step.target not in best or new < best[step.target][0] - 1e-9:
                        best[step.target] = (new, [*path, step])
                        following.append(step.target)
            frontier = following if len(following) < 500 else []
        return best[target][1] if target in best else None

    def _hinted(self, step: Step, hints: frozenset[str]) -> float:
        """How much the question speaks for a join: for the table that it leads to by that table's first word, or by
        one that no other table's name has ("attended": `student_course_attendance`), and for its column."""
        if not hints:
            return 0.0
        first, stems = _said(step)
        said = 2.0 * bool(first & hints) + bool(self._own[step.target] & hints) + bool(stems & hints)
        return min(2.8, said)

    def tree(self, root: str, targets: Iterable[str], hints: frozenset[str] = frozenset()) -> list[Step] | None:
        """Joins that connect `root` with every target, nearest first; None when one cannot be reached."""
        joined, steps = {root}, []
        left = [t for t in dict.fromkeys(targets) if t != root]
        while left:
            options = [(p, t) for t in left if (p := self.path(joined, t, hints)) is not None]
            if not options:
                return None
            path, _ = min(options, key=lambda o: len(o[0]))
            for step in path:
                if step.target not in joined:
                    steps.append(step)
                    joined.add(step.target)
            left = [t for t in left if t not in joined]
        return steps


@lru_cache(maxsize=20_000)
def _akin(step: Step) -> float:
    """A little for tables that share a word: `claim`, `claim_coverage`, `policy_coverage_detail`, `policy`."""
    return 0.06 if set(stems_of(step.source)) & set(stems_of(step.target)) else 0.0


@lru_cache(maxsize=20_000)
def _said(step: Step) -> tuple[frozenset[str], frozenset[str]]:
    """The stems that speak for a join: the first of the table that it leads to, and those of its column."""
    column = step.target_columns[0] if step.to_many else step.source_columns[0]
    return frozenset(stems_of(step.target)[:1]), frozenset(stems_of(column)) - {"id", "code", "key"}
