"""What policy kept from an answer, as two numbers: rows that the question's conditions choose and the row rules hide,
and relevant passages that would have been among the best, of documents that the asker does not see.

Counting looks at what the asker may not see. It is done only for a scope that says `tells_withheld`, and nothing but
the two numbers leaves this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import takewhile

from sqlglot import exp
from sqlglot.expressions.core import Expr

from index.documents import Passage
from index.errors import NotFoundError, SqlRejected
from index.guard.dialects import canonical
from index.guard.guard import guard
from index.guard.rules import parse
from index.reading import DocumentReader
from index.scope import Scope
from query.execute import Executor, Findings
from query.plan import Plan, SearchStep, SqlStep


@dataclass(frozen=True)
class Withheld:
    """Counts for one asker. `executor` is the one that ran the plan, `tags` are all that documents may carry."""

    executor: Executor
    documents: DocumentReader | None
    tags: frozenset[str]

    def count(self, plan: Plan, found: Findings) -> dict[str, int]:
        """`rows` and `passages` that were kept from the answer to `plan`; what is 0 or cannot be counted is left out,
        and so is everything where the asker's policy does not tell."""
        if not self.executor.scope.tells_withheld:
            return {}
        counts = {
            "rows": sum(self._rows(step.reading.sql) for step in plan.steps if isinstance(step, SqlStep)),
            "passages": sum(self._passages(step, found) for step in searches(plan)),
        }
        return {what: count for what, count in counts.items() if count}

    def _rows(self, sql: str) -> int:
        scope = self.executor.scope
        ruleless = {name: replace(table, rows="") for name, table in scope.tables.items()}
        if not any(table.rows for table in scope.tables.values()):
            return 0
        whole = replace(scope, tables=ruleless)
        try:
            counts = row_counts(sql, canonical(self.executor.reader.dialect))
        except SqlRejected:
            return 0
        return sum(max(0, self._number(query, whole) - self._number(query, scope)) for query in counts)

    def _number(self, sql: str, scope: Scope) -> int:
        reader = self.executor.reader
        try:
            rows = reader.read(guard(sql, self.executor.catalogue, scope, dialect=reader.dialect)).rows
        except SqlRejected:
            return 0
        return int(str(rows[0][0]))

    def _passages(self, step: SearchStep, found: Findings) -> int:
        if self.executor.passages is None or self.documents is None:
            return 0
        everything = replace(
            self.executor.scope, tags=self.tags, follows=frozenset(), about=frozenset(), unconditional=frozenset()
        )
        _, best = replace(self.executor, scope=everything).passages_of(step, found)
        return sum(passage.likely and not self._seen(passage) for passage in best)

    def _seen(self, passage: Passage) -> bool:
        assert self.documents is not None
        try:
            self.documents.document(passage.doc_id, self.executor.scope)
        except NotFoundError:
            return False
        return True


def searches(plan: Plan) -> list[SearchStep]:
    """The searches of `plan`; one for the question itself where nothing that the asker sees speaks of it."""
    if plan.route.path == "refuse" and not plan.steps:
        return [SearchStep("withheld", plan.question)]
    return [step for step in plan.steps if isinstance(step, SearchStep)]


def row_counts(sql: str, dialect: str = "sqlite") -> list[str]:
    """Queries that count the rows which `sql` reads from tables and its conditions choose, before they are grouped,
    sorted or cut off: one for each place that reads tables, be it the query itself, a part of a union, a WITH or a
    subquery in FROM. What only a condition looks at (`EXISTS`, `IN`) is no place of its own.
    """
    return [query.sql(dialect=dialect) for query in _places(parse(sql, dialect), {}, set())]


def _places(query: Expr, known: Mapping[str, exp.CTE], seen: set[int]) -> list[exp.Select]:
    """The counting queries of what `query` reads, which may name those of `known` (by folded name, in their order)."""
    if id(query) in seen:  # a WITH that is read twice
        return []
    seen.add(id(query))
    own = query.args.get("with_")
    known = {**known, **{cte.alias.lower(): cte for cte in own.expressions}} if own else known
    if isinstance(query, exp.Subquery):
        return _places(query.this, known, seen)
    if isinstance(query, exp.SetOperation):
        return [*_places(query.this, known, seen), *_places(query.expression, known, seen)]
    if not isinstance(query, exp.Select) or query.args.get("from_") is None:
        return []
    read = [query.args["from_"].this, *(join.this for join in query.args.get("joins") or ())]
    if any(isinstance(source, exp.Table) and source.name.lower() not in known for source in read):
        return [_counting(query, known)]
    places = []
    for source in read:
        if isinstance(source, exp.Table):
            name = source.name.lower()
            before = dict(takewhile(lambda one, name=name: one[0] != name, known.items()))  # type: ignore[misc]
            places += _places(known[name].this, before, seen)
        else:
            places += _places(source, known, seen)
    return places


def _counting(query: exp.Select, known: Mapping[str, exp.CTE]) -> exp.Select:
    made = query.copy()
    for part in [part for part in made.args if part not in ("from_", "joins", "where")]:
        made.set(part, None)
    made.set("expressions", [exp.alias_(exp.Count(this=exp.Star()), "count")])
    if known:
        made.set("with_", exp.With(expressions=[cte.copy() for cte in known.values()]))
    return made
