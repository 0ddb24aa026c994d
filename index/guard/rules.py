"""What SQL may contain: allow-lists of node classes, functions and arguments, checked on the parsed tree.

Everything that is not listed is rejected, so a construct that a newer parser learns stays out until somebody
has thought about it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.expressions.core import Expr
from sqlglot.tokenizer_core import Token, TokenType

from index.errors import SqlRejected
from index.guard.dialects import dialect_of
from index.guard.names import given

MAX_CHARACTERS = 50_000
MAX_TOKENS = 10_000
_STARTS = {TokenType.SELECT, TokenType.WITH, TokenType.L_PAREN}
_NAME = re.compile(r"[A-Za-z_]\w{0,62}")
_LIMIT_ENDS = {
    TokenType.OFFSET, TokenType.COMMA, TokenType.R_PAREN, TokenType.SEMICOLON, TokenType.UNION, TokenType.INTERSECT,
    TokenType.EXCEPT,
}  # fmt: skip

_STRUCTURE: frozenset[type[Expr]] = frozenset(
    {
        exp.Select, exp.Union, exp.Intersect, exp.Except, exp.Subquery, exp.With, exp.CTE, exp.TableAlias, exp.From,
        exp.Join, exp.Where, exp.Group, exp.Having, exp.Order, exp.Ordered, exp.Limit, exp.Offset, exp.Distinct,
        exp.Star, exp.Column, exp.Identifier, exp.Table, exp.Alias, exp.Literal, exp.Null, exp.Boolean, exp.Paren,
        exp.Tuple, exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.In,
        exp.Between, exp.Like, exp.Glob, exp.Escape, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Neg, exp.DPipe,
        exp.NullSafeEQ, exp.NullSafeNEQ, exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseNot, exp.BitwiseLeftShift,
        exp.BitwiseRightShift, exp.Case, exp.If, exp.Cast, exp.DataType, exp.DataTypeParam, exp.Window, exp.WindowSpec,
        exp.Exists, exp.Filter, exp.Placeholder, exp.Var, exp.Collate,
    }
)  # fmt: skip
_FUNCTIONS: frozenset[type[Expr]] = frozenset(
    {
        exp.Count, exp.Sum, exp.Avg, exp.Min, exp.Max, exp.Coalesce, exp.Nullif, exp.Round, exp.Abs, exp.Lower,
        exp.Upper, exp.Length, exp.Trim, exp.Substring, exp.Replace, exp.StrPosition, exp.Greatest, exp.Least,
        exp.Ceil, exp.Floor, exp.Sqrt, exp.Pow, exp.Ln, exp.Log, exp.Exp, exp.Sign, exp.RowNumber, exp.Rank,
        exp.DenseRank, exp.PercentRank, exp.CumeDist, exp.Ntile, exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue,
        exp.NthValue, exp.GroupConcat, exp.CurrentDate, exp.CurrentTime, exp.CurrentTimestamp, exp.TimeToStr, exp.Rand,
        exp.TsOrDsToTimestamp, exp.TsOrDsToDate, exp.TsOrDsToTime, exp.Date,
    }
)  # fmt: skip
_ONLY: Mapping[str, frozenset[type[Expr]]] = {
    "sqlite": frozenset({exp.Typeof, exp.Format}),
    "postgres": frozenset(
        {
            exp.ILike, exp.SimilarTo, exp.RegexpLike, exp.Any, exp.All, exp.Extract, exp.Interval, exp.TimestampTrunc,
            exp.DateTrunc, exp.Lateral,
            exp.AtTimeZone, exp.WithinGroup, exp.PercentileCont, exp.PercentileDisc, exp.Mode, exp.Stddev,
            exp.StddevPop, exp.StddevSamp, exp.Variance, exp.VariancePop, exp.Corr, exp.LogicalAnd, exp.LogicalOr,
            exp.Concat, exp.Left, exp.Right, exp.SplitPart, exp.Initcap, exp.StrToDate, exp.UnixToTime, exp.Reverse,
        }
    ),
}  # fmt: skip
_NAMED: Mapping[str, frozenset[str]] = {
    "sqlite": frozenset(
        {
            "julianday", "total", "printf", "date", "time", "datetime", "strftime", "unixepoch", "ltrim", "rtrim",
            "trunc", "mod", "log2", "log10", "pi",
        }
    ),
    "postgres": frozenset(
        {"age", "make_date", "date_part", "to_char", "trunc", "div", "mod", "width_bucket", "log10", "pi"}
    ),
}  # fmt: skip
_TYPES = frozenset(
    {
        "TINYINT", "SMALLINT", "INT", "MEDIUMINT", "BIGINT", "FLOAT", "DOUBLE", "DECIMAL", "TEXT", "VARCHAR", "CHAR",
        "NCHAR", "NVARCHAR", "BOOLEAN", "DATE", "DATETIME", "TIME", "TIMESTAMP", "TIMESTAMPTZ", "INTERVAL",
    }
)  # fmt: skip
_SET_ARGUMENTS = frozenset({"with_", "this", "expression", "distinct", "order", "limit", "offset"})
_ARGUMENTS: Mapping[type[Expr], frozenset[str]] = {
    exp.Select: frozenset(
        {
            "with_", "expressions", "distinct", "from_", "joins", "where", "group", "having", "windows", "order",
            "limit", "offset",
        }
    ),
    exp.Union: _SET_ARGUMENTS,
    exp.Intersect: _SET_ARGUMENTS,
    exp.Except: _SET_ARGUMENTS,
    exp.Subquery: frozenset({"this", "alias", "joins"}),
    exp.Table: frozenset({"this", "db", "alias", "joins"}),
    exp.TableAlias: frozenset({"this", "columns"}),
    exp.Join: frozenset({"this", "side", "kind", "on", "using", "method"}),
    exp.CTE: frozenset({"this", "alias", "materialized"}),
    exp.With: frozenset({"expressions", "recursive"}),
    exp.Column: frozenset({"this", "table", "db"}),
    exp.In: frozenset({"this", "expressions", "query"}),
    exp.Group: frozenset({"expressions"}),
    exp.Limit: frozenset({"expression"}),
    exp.Offset: frozenset({"expression"}),
    exp.Ordered: frozenset({"this", "desc", "nulls_first"}),
    exp.Cast: frozenset({"this", "to"}),
    exp.Star: frozenset(),
    exp.Lateral: frozenset({"this", "alias"}),
    exp.Placeholder: frozenset({"this"}),
    exp.Window: frozenset({"this", "partition_by", "order", "spec", "over", "alias"}),
}  # fmt: skip
_JOIN_KINDS = {"", "INNER", "CROSS", "OUTER"}
_COLLATIONS = {"nocase", "binary", "rtrim"}


def parse(sql: str, dialect: str) -> exp.Query:
    """The one query in `sql`; raises `SqlRejected` for anything that is not a single SELECT or set operation."""
    if not sql.strip():
        raise SqlRejected("there is no SQL to run", hint="write one SELECT")
    if len(sql) > MAX_CHARACTERS or "\0" in sql:
        raise SqlRejected(f"the SQL is longer than {MAX_CHARACTERS:,} characters or contains a NUL character")
    reader = dialect_of(dialect)
    try:
        tokens = reader.tokenize(sql)
        if len(tokens) > MAX_TOKENS:
            raise SqlRejected(f"the SQL has {len(tokens):,} words and signs; at most {MAX_TOKENS:,} are read")
        if not tokens or tokens[0].token_type not in _STARTS:
            raise SqlRejected("only a SELECT (or WITH ... SELECT) may run", hint="write one SELECT")
        trees = [tree for tree in reader.parser().parse(tokens, sql) if tree is not None]
    except SqlglotError as error:
        raise SqlRejected(f"the SQL does not parse: {_first_line(str(error))}") from error
    if len(trees) != 1:
        raise SqlRejected(f"one statement may run at a time, not {len(trees)}")
    tree = trees[0]
    while isinstance(tree, exp.Subquery) and set(given(tree)) == {"this"}:
        tree = tree.this
    if not isinstance(tree, exp.Select | exp.SetOperation):
        raise SqlRejected("only a SELECT (or WITH ... SELECT) may run", hint="write one SELECT")
    return tree


def check(tree: Expr, dialect: str) -> None:
    """Raise `SqlRejected` when the tree holds a node, function, type or argument that is not allowed."""
    functions = _FUNCTIONS | _ONLY[dialect]
    for node in tree.walk():
        kind = type(node)
        if isinstance(node, exp.Anonymous):
            _check_named(node, dialect)
        elif kind not in _STRUCTURE and kind not in functions:
            raise SqlRejected(f"{_describe(node)} is not allowed")
        allowed = _ARGUMENTS.get(kind)
        if allowed is not None:
            for name in given(node):
                if name not in allowed:
                    raise SqlRejected(f"{_describe(node)} with {name.rstrip('_').replace('_', ' ')} is not allowed")
        _check_detail(node, dialect)


def _check_detail(node: Expr, dialect: str) -> None:
    if isinstance(node, exp.Select):
        if not node.expressions:
            raise SqlRejected("a SELECT needs something to select")
    elif isinstance(node, exp.Join):
        if (node.kind or "") not in _JOIN_KINDS or (node.method or "") not in {"", "NATURAL"}:
            raise SqlRejected(f"a {node.kind or node.method} JOIN is not allowed")
    elif isinstance(node, exp.Placeholder):
        if not isinstance(node.this, str) or not _NAME.fullmatch(node.this):
            raise SqlRejected("parameters must have a name, such as :key")
    elif isinstance(node, exp.DataType):
        if getattr(node.this, "value", None) not in _TYPES or node.args.get("nested"):
            raise SqlRejected(f"the type {node.sql()} is not allowed in a CAST")
    elif isinstance(node, exp.Var):
        if not _NAME.fullmatch(str(node.this)):
            raise SqlRejected(f"{node.this!s} is not allowed here")
        if isinstance(node.parent, exp.Collate) and node.name.lower() not in _COLLATIONS:
            raise SqlRejected(f"COLLATE {node.name} is not allowed", hint="use NOCASE, BINARY or RTRIM")
    elif isinstance(node, exp.Limit | exp.Offset):
        value = node.expression.this if isinstance(node.expression, exp.Neg) else node.expression
        if value is None or (isinstance(value, exp.Literal) and not value.is_int):
            raise SqlRejected("LIMIT and OFFSET take a whole number")
    elif isinstance(node, exp.Escape):
        if not (isinstance(node.expression, exp.Literal) and len(node.expression.name) == 1):
            raise SqlRejected("ESCAPE takes one character in quotes")
    elif isinstance(node, exp.Distinct) and node.args.get("on") and dialect == "sqlite":
        raise SqlRejected("DISTINCT ON is not allowed on SQLite")
    elif isinstance(node, exp.Format):
        _check_format(node.this)


def bracketed(sql: str, dialect: str) -> str:
    """`sql` with brackets around every LIMIT that is computed with `%`, which the parser would take for a per cent
    sign; text that is no SQL stays as it is."""
    if "%" not in sql or len(sql) > MAX_CHARACTERS:
        return sql
    try:
        tokens = dialect_of(dialect).tokenize(sql)
    except SqlglotError:
        return sql
    places: list[tuple[int, int]] = []
    for at, token in enumerate(tokens):
        if token.token_type == TokenType.LIMIT and (span := _computed(tokens[at + 1 :])) is not None:
            places.append(span)
    for start, end in reversed(places):
        sql = f"{sql[:start]}({sql[start:end]}){sql[end:]}"
    return sql


def _computed(tokens: Sequence[Token]) -> tuple[int, int] | None:
    """Where the expression that `tokens` begin with stands, if a `%` outside brackets is in it."""
    depth, found, last = 0, False, None
    for token in tokens:
        kind = token.token_type
        if depth == 0 and kind in _LIMIT_ENDS:
            break
        depth += (kind == TokenType.L_PAREN) - (kind == TokenType.R_PAREN)
        found = found or (depth == 0 and kind == TokenType.MOD)
        last = token
    return (tokens[0].start, last.end + 1) if found and last is not None else None


def _check_named(node: exp.Anonymous, dialect: str) -> None:
    name = node.this.lower() if isinstance(node.this, str) else ""
    if name not in _NAMED[dialect]:
        raise SqlRejected(f"the function {str(node.this).upper()} is not allowed")
    if name == "printf":
        _check_format(node.expressions[0] if node.expressions else None)


def _check_format(pattern: Expr | None) -> None:
    # A width such as %999999999d makes the engine allocate it; `*` takes the width from a value.
    text = pattern.name if isinstance(pattern, exp.Literal | exp.Column) else "*"
    if "*" in text or re.search(r"\d{3,}", text):
        raise SqlRejected("PRINTF takes a fixed pattern with widths below 100")


def _describe(node: Expr) -> str:
    if isinstance(node, exp.Func):
        return f"the function {node.sql_name()}"
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(node).__name__).upper()


def _first_line(text: str) -> str:
    # The parser underlines the place with terminal codes; keep the sentence only.
    return re.sub(r"\x1b\[\d*m", "", text.split("\n", 1)[0])[:200]
