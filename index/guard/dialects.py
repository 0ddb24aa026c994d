"""The SQL dialects that the guard reads and writes, with sqlglot's rewriting turned off where it changes results."""

from __future__ import annotations

import logging
from functools import cache

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.expressions.core import Expr

from index.errors import UsageError

# What does not parse is refused with its reason; the parser's own remarks on it are not for the log.
logging.getLogger("sqlglot").setLevel(logging.ERROR)
DIALECTS = ("sqlite", "postgres")
_NAMES = {"sqlite": "sqlite", "postgres": "postgres", "postgresql": "postgres"}

# CAST in SQLite only picks an affinity; these are the names of the affinities that each type stands for. sqlglot
# would turn CAST(x AS DATETIME) into DATETIME(x), and NUMERIC into REAL, which give other results.
_AFFINITY = {
    **dict.fromkeys(("TINYINT", "SMALLINT", "INT", "MEDIUMINT", "BIGINT"), "INTEGER"),
    **dict.fromkeys(("FLOAT", "DOUBLE"), "REAL"),
    **dict.fromkeys(("TEXT", "VARCHAR", "CHAR", "NCHAR", "NVARCHAR"), "TEXT"),
}


def canonical(dialect: str) -> str:
    """`sqlite` or `postgres` for any accepted spelling; raises `UsageError` for another dialect."""
    name = _NAMES.get(dialect.lower())
    if name is None:
        raise UsageError(f"SQL dialect {dialect!r} is not known", hint=f"one of {', '.join(DIALECTS)}")
    return name


@cache
def dialect_of(dialect: str) -> Dialect:
    """sqlglot's dialect object of that name."""
    return Dialect.get_or_raise(dialect)


def keep_meaning(tree: Expr, dialect: str) -> None:
    """Change nodes of a checked tree in place that sqlglot would write with another meaning in `dialect`."""
    for node in list(tree.find_all(exp.Cast, exp.Placeholder, exp.Join)):
        if dialect == "sqlite" and isinstance(node, exp.Cast):
            kind = getattr(node.to.this, "value", "")
            node.set("to", exp.DataType(this=exp.DType.USERDEFINED, kind=_AFFINITY.get(kind, "NUMERIC")))
        elif dialect == "sqlite" and isinstance(node, exp.Join) and node.kind == "CROSS":
            # A comma becomes CROSS JOIN in the tree, which on SQLite would fix the order of the loops.
            node.set("kind", "INNER")
        elif dialect == "postgres" and isinstance(node, exp.Placeholder):
            node.replace(exp.Var(this=f":{node.name}"))


def render(tree: Expr, dialect: str, *, quote: bool = True) -> str:
    """SQL text of a tree, without comments; `quote` puts every identifier in double quotes."""
    return str(dialect_of(dialect).generate(tree, identify=quote, comments=False))
