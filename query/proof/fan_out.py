"""The structure of a SELECT over base tables: its joins, whose rows they repeat, and what its groups should add up to.

`a JOIN b` repeats the rows of `a` where `b` may have several rows for one of them: where the columns that it is joined
by do not hold a key of `b`. A sum over columns of `a` is then too large.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from index.catalogue.model import Catalogue

_ADDED = (exp.Sum, exp.Avg)
_PAST_GROUPS = ("having", "order", "limit", "offset", "distinct", "windows")


@dataclass(frozen=True)
class FanOut:
    """An aggregate (`written`) over rows of `table` (under `alias`), which the joins repeat for rows of `by`."""

    written: str
    table: str
    alias: str
    by: str


@dataclass(frozen=True)
class Total:
    """What the values in `column` of a grouped result should add up to: `sql` over `table` alone."""

    column: int
    sql: str
    table: str


@dataclass(frozen=True)
class Structure:
    """One SELECT. `scans` maps aliases to tables; `unique[a, b]` says that a row of `a` meets at most one of `b`."""

    tree: exp.Select
    scans: Mapping[str, str]
    unique: Mapping[tuple[str, str], bool]
    catalogue: Catalogue
    dialect: str

    def fan_outs(self) -> list[FanOut]:
        """The sums, averages and counts of keys over rows that the joins may repeat."""
        found = []
        for node in _own(self.tree, exp.AggFunc):
            aliases = self._aliases(node)
            repeated = {alias: self.repeats(alias) for alias in aliases}
            if not aliases or not all(repeated.values()) or not self._adds(node, aliases):
                continue
            alias = aliases[0]
            by = self.scans[repeated[alias] or alias]
            found.append(FanOut(str(node.sql(dialect=self.dialect)), self.scans[alias], alias, by))
        return found

    def _adds(self, node: exp.AggFunc, aliases: Sequence[str]) -> bool:
        """True for what grows with repeated rows (or shifts): no DISTINCT, no extremes."""
        if isinstance(node.this, exp.Distinct):
            return False
        if isinstance(node, exp.Count):
            table = self.catalogue.table(self.scans[aliases[0]])
            key = table.key if table is not None else ()
            return isinstance(node.this, exp.Column) and tuple(k.lower() for k in key) == (node.this.name.lower(),)
        return isinstance(node, _ADDED)

    def repeats(self, alias: str) -> str | None:
        """The alias for whose rows those of `alias` are repeated; None where they are not."""
        seen, frontier = {alias}, [alias]
        while frontier:
            here = frontier.pop()
            for (near, far), unique in self.unique.items():
                if near != here or far in seen:
                    continue
                if not unique:
                    return far
                seen.add(far)
                frontier.append(far)
        return None

    def repetition(self, fan: FanOut) -> str | None:
        """SQL that gives how many joined rows the aggregate takes, and how many rows of the table stand in them, each
        counted once a group; None for a table without a key of one column."""
        table = self.catalogue.table(fan.table)
        if table is None or len(table.key) != 1:
            return None
        key = exp.column(exp.to_identifier(table.key[0], quoted=True), exp.to_identifier(fan.alias, quoted=True))
        inner = self.tree.copy()
        for part in _PAST_GROUPS:
            inner.set(part, None)
        counts = [exp.Count(this=key.copy()), exp.Count(this=exp.Distinct(expressions=[key.copy()]))]
        named = [exp.alias_(c, n, quoted=True) for c, n in zip(counts, ("joined_rows", "own_rows"), strict=True)]
        inner.set("expressions", named)
        if _by_output(inner):
            return None  # a group by the number or name of an output, which is not there any more
        sums = ", ".join(f"SUM({n})" for n in ("joined_rows", "own_rows"))
        return f"SELECT {sums} FROM ({inner.sql(dialect=self.dialect)}) AS counted"

    def totals(self) -> Iterator[Total]:
        """The totals of sums and counts over one table that is grouped by what is joined to it, when nothing else
        narrows it."""
        args = self.tree.args
        if not args.get("group") or len(self.scans) < 2 or any(args.get(p) for p in _PAST_GROUPS if p != "order"):
            return
        for at, projection in enumerate(self.tree.selects):
            node = projection.unalias()
            alias = self._measured(node)
            if alias is None or self.repeats(alias) is not None or alias.lower() in _grouping(self.tree):
                continue
            own = self._conditions(alias)
            if own is None:
                continue
            table = self.tree_of(alias)
            where = f" WHERE {' AND '.join(own)}" if own else ""
            yield Total(at, f"SELECT {node.sql(dialect=self.dialect)} FROM {table}{where}", self.scans[alias])

    def _measured(self, node: exp.Expr) -> str | None:
        """The one alias that a sum or count is over; of COUNT(*) the one whose rows nothing repeats."""
        if isinstance(node, exp.Count) and isinstance(node.this, exp.Star):
            finest = [alias for alias in self.scans if self.repeats(alias) is None]
            return finest[0] if len(finest) == 1 else None
        if not isinstance(node, exp.Sum | exp.Count) or isinstance(node.this, exp.Distinct):
            return None
        aliases = self._aliases(node)
        return aliases[0] if len(aliases) == 1 else None

    def _conditions(self, alias: str) -> list[str] | None:
        """The conditions on `alias` alone; None where others narrow the rows."""
        own: list[str] = []
        for part in _conjuncts(self.tree.args.get("where")):
            if _equates(part) is not None:
                continue
            if part.find(exp.Query) or self._aliases(part) != [alias]:
                return None
            own.append(str(part.sql(dialect=self.dialect)))
        return own

    def tree_of(self, alias: str) -> str:
        """The scan of `alias` as it stands in the query."""
        found = next(t for t in self.tree.find_all(exp.Table) if t.alias_or_name.lower() == alias)
        scan = found.copy()
        scan.set("joins", None)
        return str(scan.sql(dialect=self.dialect))

    def _aliases(self, node: exp.Expr) -> list[str]:
        """The aliases whose columns stand in `node`."""
        found: dict[str, None] = {}
        for column in node.find_all(exp.Column):
            alias = column.table.lower() or self._owner(column.name.lower())
            if alias in self.scans:
                found[alias] = None
        return list(found)

    def _owner(self, column: str) -> str:
        """The only scan with a column of that name."""
        owners = [
            alias
            for alias, name in self.scans.items()
            if (table := self.catalogue.table(name)) and any(c.name.lower() == column for c in table.columns)
        ]
        return owners[0] if len(owners) == 1 else ""


def structure(sql: str, catalogue: Catalogue, dialect: str) -> Structure | None:
    """The structure of `sql`; None for anything but one SELECT over several tables of the catalogue."""
    try:
        tree = sqlglot.parse_one(sql, read=dialect)
    except SqlglotError:
        return None
    if not isinstance(tree, exp.Select) or tree.args.get("with_"):
        return None
    known = {t.name.lower(): t.name for t in catalogue.tables}
    scans: dict[str, str] = {}
    from_ = tree.args.get("from_")
    for source in (from_.this if from_ else None, *(j.this for j in tree.args.get("joins") or [])):
        if not isinstance(source, exp.Table) or source.args.get("joins"):
            return None
        whole = f"{source.db}.{source.name}" if source.db else source.name
        name = known.get(whole.lower()) or known.get(source.name.lower())
        if name is None or source.alias_or_name.lower() in scans:
            return None
        scans[source.alias_or_name.lower()] = name
    if len(scans) < 2:
        return None
    return Structure(tree, scans, _edges(tree, scans, catalogue), catalogue, dialect)


def _edges(tree: exp.Select, scans: Mapping[str, str], catalogue: Catalogue) -> dict[tuple[str, str], bool]:
    joined: dict[tuple[str, str], set[str]] = {}
    using: list[tuple[str, list[str]]] = []
    parts = list(_conjuncts(tree.args.get("where")))
    for join in tree.args.get("joins") or []:
        parts += _conjuncts(join.args.get("on"))
        if join.args.get("using"):
            using.append((join.this.alias_or_name.lower(), [c.name.lower() for c in join.args["using"]]))
    for part in parts:
        pair = _equates(part)
        if pair is not None:
            (one, left), (other, right) = pair
            joined.setdefault((one, other), set()).add(right)
            joined.setdefault((other, one), set()).add(left)
    order = list(scans)
    for alias, columns in using:
        for before in order[: order.index(alias)]:
            joined.setdefault((before, alias), set()).update(columns)
            joined.setdefault((alias, before), set()).update(columns)
    return {
        (near, far): _holds_key(scans[far], columns, catalogue)
        for (near, far), columns in joined.items()
        if near in scans and far in scans
    }


def _holds_key(table: str, columns: set[str], catalogue: Catalogue) -> bool:
    held = catalogue.table(table)
    keys = [held.key] if held is not None and held.key else []
    keys += [j.right_columns for j in catalogue.joins if j.right == table and j.left != table]
    return any({c.lower() for c in key} <= columns for key in keys if key)


def _conjuncts(node: exp.Expr | None) -> Iterator[exp.Expr]:
    """The parts of a condition that must all hold."""
    if isinstance(node, exp.Where | exp.Paren):
        yield from _conjuncts(node.this)
    elif isinstance(node, exp.And):
        yield from _conjuncts(node.left)
        yield from _conjuncts(node.right)
    elif node is not None:
        yield node


def _equates(node: exp.Expr) -> tuple[tuple[str, str], tuple[str, str]] | None:
    """The two columns of different tables that a condition sets equal."""
    if not isinstance(node, exp.EQ) or not isinstance(node.left, exp.Column) or not isinstance(node.right, exp.Column):
        return None
    one = (node.left.table.lower(), node.left.name.lower())
    other = (node.right.table.lower(), node.right.name.lower())
    return (one, other) if one[0] and other[0] and one[0] != other[0] else None


def _own(tree: exp.Select, kind: type[exp.AggFunc]) -> Iterator[exp.AggFunc]:
    """The nodes of a kind that belong to this SELECT and to no query inside it."""
    for node in tree.find_all(kind):
        if node.find_ancestor(exp.Select) is tree:
            yield node


def _grouping(tree: exp.Select) -> set[str]:
    """The aliases that the groups are made by."""
    return {c.table.lower() for c in tree.args["group"].find_all(exp.Column)}


def _by_output(tree: exp.Select) -> bool:
    group = tree.args.get("group")
    return group is not None and any(
        isinstance(e, exp.Literal) or (isinstance(e, exp.Column) and not e.table) for e in group.expressions
    )
