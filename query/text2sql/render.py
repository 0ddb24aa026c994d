"""Intermediate queries to SQL text: joins worked out, names quoted where they need it, dates as ISO texts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import sqlglot
from sqlglot import exp

from index.catalogue.model import Catalogue
from query.text2sql.aliases import alias
from query.text2sql.joins import JoinGraph, Step
from query.text2sql.logical import (
    Aggregate,
    AllOf,
    Among,
    AnyOf,
    Bucket,
    ColumnRef,
    Condition,
    Difference,
    Expression,
    Literal_,
    MetricRef,
    Narrowed,
    Operator,
    Part,
    Predicate,
    Query,
    Ratio,
    Related,
    Scalar,
    Share,
    Span,
    Superior,
    TermCondition,
    Total,
    is_aggregate,
    predicate_tables,
    tables_of,
)

DEEPEST = 4
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_RESERVED = frozenset(
    """all and as asc between by case character check column constraint create cross date day default delete desc
    distinct drop else end escape except exists from full group having if in index inner insert intersect into is join
    key left like limit month natural not null number of offset on or order outer primary range rank references result
    right row rows select set show table text then time to transaction trigger type union unique update user using
    value values view when where with year language position class current_date current_time national only percent
    precision real interval work zone public replace match plan first last names size""".split()
)


class Unrenderable(Exception):
    """The tables of a query cannot be joined."""


def quoted(name: str) -> str:
    """`name`, in double quotes when it is not a plain identifier."""
    plain = _PLAIN.match(name) and name.lower() not in _RESERVED
    return name if plain else '"' + name.replace('"', '""') + '"'


def literal(value: Literal_) -> str:
    """A SQL literal."""
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def repeated(root: str, steps: Sequence[Step]) -> frozenset[str]:
    """The tables whose rows may stand several times in the join of `steps` from `root`: an edge leads from them to a
    side with many."""
    found: set[str] = set()
    for at, step in enumerate(steps):
        beyond = {step.target}
        for later in steps[at + 1 :]:
            if later.source in beyond:
                beyond.add(later.target)
        near = {root, *(s.target for s in steps)} - beyond
        found |= near if step.to_many else beyond
    return frozenset(found)


def _apart(expression: Expression) -> bool:
    """True for what is made of queries of their own only."""
    if isinstance(expression, Ratio):
        return _apart(expression.left) and _apart(expression.right)
    return isinstance(expression, Scalar)


def _denied(predicate: Predicate) -> Condition | None:
    """What "not" denies of related rows: whoever does not play chess has no row that says chess."""
    if not isinstance(predicate, Condition) or not isinstance(predicate.right, tuple):
        return None
    positive: dict[str, Operator] = {"!=": "=", "not in": "in", "not like": "like"}
    operator = positive.get(predicate.operator)
    return Condition(predicate.left, operator, predicate.right) if operator else None


class Renderer:
    """Renders queries over one catalogue."""

    def __init__(self, catalogue: Catalogue, graph: JoinGraph) -> None:
        self._catalogue, self._graph = catalogue, graph

    def sql(self, query: Query) -> str:
        """The SQL of `query`; raises `Unrenderable` when its tables are not connected."""
        return _Text(self._catalogue, self._graph, query).sql()


class _Text:
    def __init__(self, catalogue: Catalogue, graph: JoinGraph, query: Query, depth: int = 0) -> None:
        if depth > DEEPEST:
            raise Unrenderable("the question nests too deeply")
        self._catalogue, self._graph, self._query, self._depth = catalogue, graph, query, depth
        self._names: dict[str, str] = {}
        self._repeated: frozenset[str] = frozenset()

    def sql(self) -> str:
        query = self._query
        if query.select and all(_apart(e) for e in query.select):
            return "SELECT " + ", ".join(self._selected(e) for e in query.select)
        steps = self._tree()
        names = [query.root, *(s.target for s in steps)]
        alone = len(names) == 1
        self._names = {n: ("" if alone else quoted(n)) for n in names}
        self._repeated = repeated(query.root, steps)
        inner, semi = self._split(frozenset(names))
        select = ", ".join(self._selected(e) for e in query.select)
        text = f"SELECT {'DISTINCT ' if query.distinct else ''}{select} FROM {quoted(query.root)}"
        text += "".join(f" JOIN {quoted(s.target)} ON {self._on(s)}" for s in steps)
        conditions = [self._predicate(p) for p in inner] + [self._related(r) for r in semi]
        if conditions:
            text += " WHERE " + " AND ".join(conditions)
        if query.group:
            text += " GROUP BY " + ", ".join(dict.fromkeys(self._expression(e) for e in query.group))
        if query.having:
            text += " HAVING " + " AND ".join(self._predicate(c) for c in query.having)
        if query.order:
            text += " ORDER BY " + ", ".join(
                self._expression(o.by) + (" DESC" if o.descending else "") for o in query.order
            )
        if query.limit is not None:
            text += f" LIMIT {query.limit}" + (f" OFFSET {query.offset}" if query.offset else "")
        return text

    def _tree(self) -> list[Step]:
        """The joins of the tables that the result needs, and of filters that do not multiply its rows."""
        query = self._query
        hard: dict[str, None] = {}
        for expression in (*query.select, *query.group, *(o.by for o in query.order), *(c.left for c in query.having)):
            hard.update(dict.fromkeys(sorted(tables_of(expression))))
            if isinstance(expression, Share | Narrowed):
                for predicate in expression.conditions:
                    if not isinstance(predicate, Related):
                        hard.update(dict.fromkeys(sorted(predicate_tables(predicate))))
        hard.update(dict.fromkeys(query.context))
        steps = self._graph.tree(query.root, hard, query.hints)
        if steps is None:
            raise Unrenderable(f"no join connects {query.root} with {', '.join(hard)}")
        for predicate in query.where:
            if isinstance(predicate, Related) and not self._multiplies(predicate):
                continue
            for table in sorted(predicate_tables(predicate)):
                more = self._look_up(query.root, steps, table)
                steps = steps if more is None else more
        return steps

    def _look_up(self, root: str, steps: list[Step], table: str) -> list[Step] | None:
        """`steps` with `table` joined too, when the way there never meets several rows; else None."""
        joined = {root, *(s.target for s in steps)}
        if table in joined:
            return steps
        path = self._graph.path(joined, table, self._query.hints)
        if path is None:
            raise Unrenderable(f"no join connects {root} with {table}")
        if any(s.to_many for s in path):  # "by product, in France" is what was ordered in France, not what was viewed
            path = self._graph.path(joined, table, self._query.hints, upwards=True) or path
        if any(s.to_many for s in path) and not self._query.every:
            return None
        return [*steps, *(s for s in path if s.target not in joined)]

    def _multiplies(self, related: Related) -> bool:
        """True where the related rows are joined, each for itself."""
        return self._query.every and not related.negated and related.table != self._query.root

    def _split(self, joined: frozenset[str]) -> tuple[list[Predicate], list[Related]]:
        """Conditions on joined tables, and the others as `Related`, one for each table that they speak of."""
        inner: list[Predicate] = []
        outer: dict[str, list[Predicate]] = {}
        semi: list[Related] = []
        for predicate in self._query.where:
            if isinstance(predicate, Related) and self._multiplies(predicate) and predicate.table in joined:
                inner.extend(predicate.conditions)
            elif isinstance(predicate, Related):
                semi.append(predicate)
            elif predicate_tables(predicate) <= joined:
                inner.append(predicate)
            elif isinstance(predicate, AnyOf):
                inner.append(AnyOf(tuple(self._reached(p, joined) for p in predicate.conditions)))
            else:
                far = sorted(predicate_tables(predicate) - joined)[0]
                denied = _denied(predicate)
                if denied is not None:
                    semi.append(Related(far, (denied,), negated=True))
                else:
                    outer.setdefault(far, []).append(predicate)
        merged = self._merged(outer)
        return inner, [r for r in semi if not self._implied(r, joined, [*merged, *semi])] + merged

    def _implied(self, related: Related, joined: frozenset[str], others: Sequence[Related]) -> bool:
        """True for a mere "has a row of" that the joins, or the way to another related row, say already."""
        if related.conditions or related.negated:
            return False
        if related.table in joined and related.table != self._query.root:
            return True
        for other in others:
            if other.negated or other.table == related.table or other is related:
                continue
            path = self._graph.path([self._query.root], other.table, self._query.hints) or []
            if any(s.target == related.table for s in path):
                return True
        return False

    @staticmethod
    def _reached(predicate: Predicate, joined: frozenset[str]) -> Predicate:
        far = predicate_tables(predicate) - joined
        return Related(sorted(far)[0], (predicate,)) if far and not isinstance(predicate, Related) else predicate

    def _merged(self, outer: dict[str, list[Predicate]]) -> list[Related]:
        """One `Related` for each far table; a far table that lies on the way to another joins its conditions."""
        merged: dict[str, list[Predicate]] = {}
        for table in sorted(outer, key=lambda t: self._graph.distance(self._query.root, t)):
            path = self._graph.path([self._query.root], table, self._query.hints) or []
            host = next((t for t in merged if any(s.target == t for s in path)), table)
            merged.setdefault(host, []).extend(outer[table])
        return [Related(t, tuple(ps)) for t, ps in merged.items()]

    def _related(self, related: Related) -> str:
        """`key [NOT] IN (SELECT ...)` over the first joins that lead from a joined table to the related one."""
        sources = [t for t in self._names if t != related.table] or list(self._names)
        path = self._graph.path(sources, related.table, self._query.hints)
        if related.table in sources or not path:
            path = next(([s] for s in self._graph.steps(self._query.root) if s.target == related.table), None)
        if not path:
            raise Unrenderable(f"no join connects {self._query.root} with {related.table}")
        first = path[0]
        target = first.target
        columns = tuple(ColumnRef(target, c) for c in first.target_columns)
        rest = tuple(s.target for s in path[1:])
        filters: tuple[Predicate, ...] = related.conditions
        if related.negated:
            filters = (*filters, *(Condition(c, "is not null") for c in columns))
        inner = Query(target, columns, filters, context=rest, hints=self._query.hints)
        text = _Text(self._catalogue, self._graph, inner, self._depth + 1).sql()
        left = ", ".join(self._column(ColumnRef(first.source, c)) for c in first.source_columns)
        left = f"({left})" if len(first.source_columns) > 1 else left
        return f"{left} {'NOT IN' if related.negated else 'IN'} ({text})"

    def _on(self, step: Step) -> str:
        pairs = zip(step.source_columns, step.target_columns, strict=True)
        return " AND ".join(
            f"{self._column(ColumnRef(step.source, a))} = {self._column(ColumnRef(step.target, b))}" for a, b in pairs
        )

    def _column(self, ref: ColumnRef) -> str:
        prefix = self._names.get(ref.table, quoted(ref.table))
        return f"{prefix}.{quoted(ref.column)}" if prefix else quoted(ref.column)

    def _selected(self, expression: Expression) -> str:
        text = self._expression(expression)
        name = alias(expression)
        return f"{text} AS {quoted(name)}" if name else text

    def _expression(self, expression: Expression) -> str:
        if isinstance(expression, ColumnRef):
            return "*" if expression.column == "*" else self._column(expression)
        if isinstance(expression, MetricRef):
            return self._bare(expression.sql, expression.table)
        if isinstance(expression, Bucket):
            return self._bucket(expression)
        if isinstance(expression, Share):
            return self._share(expression)
        if isinstance(expression, Narrowed):
            condition = " AND ".join(self._predicate(p) for p in expression.conditions)
            return self._narrowed(self._expression(expression.of), condition)
        if isinstance(expression, Scalar):
            return f"({_Text(self._catalogue, self._graph, expression.query, self._depth + 1).sql()})"
        if isinstance(expression, Span):
            return f"JULIANDAY({self._column(expression.end)}) - JULIANDAY({self._column(expression.start)})"
        if isinstance(expression, Superior):
            return self._superior(expression)
        if isinstance(expression, Part):
            return self._part(expression)
        if isinstance(expression, Total):
            return f"{expression.function.upper()}({' + '.join(self._part(p) for p in expression.parts)})"
        if isinstance(expression, Difference):
            return f"{self._expression(expression.left)} - {self._expression(expression.right)}"
        if isinstance(expression, Ratio):
            return f"1.0 * {self._expression(expression.left)} / {self._expression(expression.right)}"
        if expression.argument is None:
            return self._count(expression)
        distinct = "DISTINCT " if expression.distinct else ""
        return f"{expression.function.upper()}({distinct}{self._expression(expression.argument)})"

    def _part(self, part: Part) -> str:
        """A query of its own for each row of the owner, so that other joins do not multiply what it sums."""
        table = part.measure.table
        kind = next((s for s in self._graph.steps(part.subtype) if s.target == table), None)
        own = next((s for s in self._graph.steps(table) if s.target == part.owner), None)
        if kind is None or own is None:
            raise Unrenderable(f"no join connects {part.subtype} with {part.owner}")
        inner = quoted(table)
        owner = self._names.get(part.owner) or quoted(part.owner)
        return (
            f"(SELECT SUM({inner}.{quoted(part.measure.column)}) FROM {inner} JOIN {quoted(part.subtype)}"
            f" ON {quoted(part.subtype)}.{quoted(kind.source_columns[0])} = {inner}.{quoted(kind.target_columns[0])}"
            f" WHERE {inner}.{quoted(own.source_columns[0])} = {owner}.{quoted(own.target_columns[0])})"
        )

    def _superior(self, superior: Superior) -> str:
        """A query of one row of the same table under another name."""
        table, names = superior.column.table, quoted("superior")
        own = self._names.get(table) or quoted(table)
        return (
            f"(SELECT {names}.{quoted(superior.column.column)} FROM {quoted(table)} AS {names}"
            f" WHERE {names}.{quoted(superior.key)} = {own}.{quoted(superior.reference)})"
        )

    def _count(self, expression: Aggregate) -> str:
        """COUNT(*), or of the distinct keys when that is asked for or the joins repeat the table's rows."""
        table = self._catalogue.table(expression.table)
        once = expression.distinct or (expression.table in self._repeated and not self._query.every)
        if once and table is not None and len(table.key) == 1:
            return f"COUNT(DISTINCT {self._column(ColumnRef(expression.table, table.key[0]))})"
        return "COUNT(*)"

    def _bare(self, sql: str, table: str) -> str:
        """SQL over bare columns of `table`, with the columns qualified where the query has several tables."""
        tree = sqlglot.parse_one(sql, read="sqlite")
        for column in list(tree.find_all(exp.Column)):
            if not column.table:
                text = self._column(ColumnRef(table, column.name))
                new = sqlglot.parse_one(text, read="sqlite")
                if column is tree:
                    tree = new
                else:
                    column.replace(new)
        return tree.sql(dialect="sqlite")

    @staticmethod
    def _narrowed(sql: str, condition: str) -> str:
        """An aggregate over the rows that meet `condition`: a CASE inside each of its functions."""
        tree = sqlglot.parse_one(sql, read="sqlite")
        for fold in list(tree.find_all(exp.AggFunc)):
            whole = fold.this
            distinct = isinstance(whole, exp.Distinct)
            inner = whole.expressions[0] if isinstance(whole, exp.Distinct) else whole
            text = "1" if isinstance(inner, exp.Star) or inner is None else inner.sql(dialect="sqlite")
            case = sqlglot.parse_one(f"CASE WHEN {condition} THEN {text} END", read="sqlite")
            fold.set("this", exp.Distinct(expressions=[case]) if distinct else case)
        return tree.sql(dialect="sqlite")

    def _bucket(self, bucket: Bucket) -> str:
        text = self._column(bucket.column)
        if bucket.grain == "year":
            return f"SUBSTR({text}, 1, 4)"
        if bucket.grain == "month":
            return f"SUBSTR({text}, 1, 7)"
        if bucket.grain == "quarter":
            month = f"CAST(SUBSTR({text}, 6, 2) AS INTEGER)"
            return f"SUBSTR({text}, 1, 4) || '-Q' || CAST(({month} + 2) / 3 AS INTEGER)"
        if bucket.grain == "week":
            return f"STRFTIME('%Y-W%W', {text})"
        return f"SUBSTR({text}, 1, 10)"

    def _share(self, share: Share) -> str:
        if share.conditions and isinstance(share.of, MetricRef):
            condition = " AND ".join(self._predicate(p) for p in share.conditions)
            every = self._expression(share.of)
            return f"100.0 * {self._narrowed(every, condition)} / {every}"
        if share.conditions:
            condition = " AND ".join(self._predicate(p) for p in share.conditions)
            return f"100.0 * SUM(CASE WHEN {condition} THEN 1 ELSE 0 END) / COUNT(*)"
        part = self._expression(share.of)
        whole = Query(share.of.table, (share.of,), self._query.where, hints=self._query.hints)
        return f"100.0 * {part} / ({_Text(self._catalogue, self._graph, whole, self._depth + 1).sql()})"

    def _among(self, among: Among) -> str:
        left = ", ".join(self._column(c) for c in among.columns)
        left = f"({left})" if len(among.columns) > 1 else left
        return f"{left} IN ({_Text(self._catalogue, self._graph, among.query, self._depth + 1).sql()})"

    def _predicate(self, predicate: Predicate) -> str:
        if isinstance(predicate, Among):
            return self._among(predicate)
        if isinstance(predicate, AnyOf):
            parts = [self._related(p) if isinstance(p, Related) else self._predicate(p) for p in predicate.conditions]
            return "(" + " OR ".join(parts) + ")"
        if isinstance(predicate, AllOf):
            return "(" + " AND ".join(self._predicate(p) for p in predicate.conditions) + ")"
        if isinstance(predicate, TermCondition):
            text = f"({self._bare(predicate.sql, predicate.table)})"
            return f"NOT {text}" if predicate.negated else text
        if isinstance(predicate, Related):
            return self._related(predicate)
        left, operator, right = self._expression(predicate.left), predicate.operator.upper(), predicate.right
        if operator in ("IS NULL", "IS NOT NULL"):
            return f"{left} {operator}"
        if isinstance(right, Query):
            return f"{left} {operator} ({_Text(self._catalogue, self._graph, right, self._depth + 1).sql()})"
        if isinstance(right, ColumnRef | Superior):
            return f"{left} {operator} {self._expression(right)}"
        if operator in ("IN", "NOT IN"):
            return f"{left} {operator} ({', '.join(literal(v) for v in right)})"
        return f"{left} {operator} {literal(right[0])}"


def grouped(expressions: Iterable[Expression]) -> bool:
    """True when some expression folds rows."""
    return any(is_aggregate(e) for e in expressions)
