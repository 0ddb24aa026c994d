"""Names that a query may use where: sources, frames, and what a node of the tree is in terms of names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp
from sqlglot.expressions.core import Expr

from index.errors import SqlRejected
from index.guard.visible import VisibleTable, fold, quoted


@dataclass(frozen=True)
class Cte:
    """A common table expression: the name it got, and its columns."""

    name: str
    columns: tuple[str, ...]


@dataclass
class Scan:
    """A base table met in the query; `used` are the columns that the query names."""

    node: exp.Table
    table: VisibleTable
    alias: str
    used: dict[str, None] = field(default_factory=dict)
    every: bool = False


@dataclass
class Source:
    """One item of a FROM clause: its alias, and its columns by folded name."""

    alias: str
    columns: Mapping[str, str]
    outputs: tuple[str, ...]
    scan: Scan | None = None

    def use(self, name: str) -> None:
        """Note that the query names a column."""
        if self.scan is not None:
            self.scan.used[name] = None


@dataclass
class Frame:
    """The names one SELECT sees. `shared` are columns joined by USING or NATURAL, which belong to no one source."""

    parent: Frame | None
    sources: list[Source] = field(default_factory=list)
    aliases: dict[str, str] = field(default_factory=dict)
    shared: set[str] = field(default_factory=set)
    pending: list[Expr] = field(default_factory=list)


Ctes = Mapping[str, Cte]


def source_of(alias: str, columns: Sequence[str]) -> Source:
    """A source with these output columns; of two equal names the first counts."""
    folded: dict[str, str] = {}
    for name in columns:
        folded.setdefault(fold(name), name)
    return Source(alias, folded, tuple(columns))


def star_of(item: Expr) -> str | None:
    """The alias before a star ("" for a bare one), or None when `item` is no star."""
    if isinstance(item, exp.Star):
        return ""
    return item.table if isinstance(item, exp.Column) and isinstance(item.this, exp.Star) else None


def is_query(node: Expr | None) -> bool:
    """True for a SELECT or a set operation, in brackets or not."""
    if isinstance(node, exp.Subquery):
        return is_query(node.this)
    return isinstance(node, exp.Select | exp.SetOperation)


def is_value(node: exp.Column) -> bool:
    """True where a double-quoted text can only be meant as a string: on the value side of a comparison, or as a
    format. Anywhere else an unknown quoted name is an unknown column, whether it exists and is hidden or not."""
    parent, key = node.parent, node.arg_key
    if isinstance(parent, exp.Not | exp.Paren) and key == "this":
        return False
    if isinstance(parent, exp.EQ | exp.NEQ | exp.GT | exp.GTE | exp.LT | exp.LTE | exp.Like | exp.Glob | exp.Is):
        return key == "expression"
    if isinstance(parent, exp.In):
        return key == "expressions"
    if isinstance(parent, exp.Between):
        return key in ("low", "high")
    if isinstance(parent, exp.TimeToStr):
        return key == "format"
    return isinstance(parent, exp.Anonymous) and parent.this.lower() in ("strftime", "date", "datetime", "time")


def anchor(query: Expr) -> list[str]:
    """The names of the columns of a recursive query, which its first part gives; raises `SqlRejected`."""
    while isinstance(query, exp.SetOperation | exp.Subquery):
        query = query.this
    names = [p.alias_or_name for p in query.args.get("expressions") or []]
    if not all(names) or "*" in names:
        raise SqlRejected("a recursive WITH must name its columns", hint="WITH RECURSIVE t(a, b) AS (...)")
    return names


def double_quoted(node: exp.Column, text: str) -> bool:
    """True where `node` stands in double quotes in the `text` that it was read from."""
    at = node.this.meta.get("start", -1)
    return bool(node.this.args.get("quoted")) and 0 <= at < len(text) and text[at] == '"'


def given(node: Expr) -> list[str]:
    """The arguments of a node that are set."""
    return [name for name, value in node.args.items() if value not in (None, False, []) and value != ""]


def unknown(kind: str, name: str, among: Iterable[str]) -> SqlRejected:
    """The error for a name that is not there; `among` are the visible names that a hint may come from."""
    from rapidfuzz import process

    choices = list(dict.fromkeys(among))
    close = process.extract(name, choices, limit=3, score_cutoff=60, processor=str.lower)
    hint = f"did you mean {', '.join(match for match, _, _ in close)}?" if close else "see the catalogue for names"
    return SqlRejected(f"there is no {kind} {name!r}", hint=hint)


def tie(node: exp.Column, source: Source) -> None:
    """Make `node` the column of `source` that it names; raises `SqlRejected` where there is none."""
    name = source.columns.get(fold(node.name))
    if name is None:
        raise unknown(f"column in {source.alias}", node.name, source.outputs)
    source.use(name)
    node.set("this", quoted(name))
    node.set("table", quoted(source.alias))
