"""The guard: SQL in, SQL that shows only what a Scope shows out, regenerated from a checked tree.

parse → check (allow-lists) → resolve (names, scans) → limit → render. See `index.guard.rules` for what SQL may
contain and `index.guard.resolve` for how tables are replaced.
"""

from __future__ import annotations

import itertools
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from sqlglot import exp
from sqlglot.errors import SqlglotError

from index.catalogue.model import Catalogue
from index.errors import SqlRejected, UsageError
from index.guard.dialects import canonical, keep_meaning, render
from index.guard.resolve import Resolver
from index.guard.rules import bracketed, check, parse
from index.guard.views import View
from index.guard.visible import Visible, visible
from index.scope import Scope

_SEAL = object()
_CACHED = 2048
_lock = threading.Lock()
_queries: OrderedDict[tuple[object, ...], GuardedQuery | SqlRejected] = OrderedDict()
_views: OrderedDict[tuple[int, int], tuple[Catalogue, Scope, Visible, tuple[int, str]]] = OrderedDict()
_serials: dict[int, tuple[weakref.ref[Catalogue], int]] = {}
_counter = itertools.count(1)


@dataclass(frozen=True)
class GuardedQuery:
    """SQL that passed the guard. Only `guard` makes it; `SqlReader.read` accepts nothing else.

    `text` is the query as planned or typed, normalised; `sql` is what runs: every table replaced by the rows and
    columns that the scope shows, and a limit of at most `limit` + 1 rows. `tables` lists the base tables that the
    query names, `columns` the names of its result (empty for a star over USING or NATURAL), `reads` every table and
    column that the engine will touch. On PostgreSQL the same can be asked of `views` (`through`).
    """

    text: str
    sql: str
    dialect: str
    tables: tuple[str, ...]
    limit: int
    columns: tuple[str, ...] = ()
    reads: tuple[tuple[str, tuple[str, ...]], ...] = ()
    _seal: object = field(default=None, repr=False, compare=False)
    _asked: tuple[str, Visible] | None = field(default=None, repr=False, compare=False)

    @property
    def sealed(self) -> bool:
        """True for a query that `guard` made."""
        return self._seal is _SEAL

    @property
    def views(self) -> tuple[View, ...]:
        """What the scope shows of each table, as views that PostgreSQL can hold; none on another database."""
        return self._asked[1].views if self._asked is not None else ()

    def through(self, schema: str) -> GuardedQuery:
        """The same query on `views` in that schema, in place of the tables."""
        if self._asked is None:
            raise TypeError("only a query for PostgreSQL can go through views")
        sql, shown = self._asked
        # What is in a view makes the schema's name: equal names resolve alike.
        return _cached(
            (sql, schema, self.dialect, self.limit), lambda: _build(sql, shown, self.dialect, self.limit, schema)
        )


def guard(sql: str, catalogue: Catalogue, scope: Scope, *, dialect: str = "sqlite", limit: int = 1000) -> GuardedQuery:
    """Check `sql` and rewrite it for `scope`.

    Raises `SqlRejected` with the reason for anything but one SELECT over visible tables and columns (a hidden name
    and one that does not exist give the same message), `PolicyError` for a row rule of the scope that does not hold.
    Named parameters (`:key`) stay. Results are cached.
    """
    name = canonical(dialect)
    if limit < 1:
        raise UsageError(f"a limit of {limit} rows shows nothing", hint="1 or more")
    shown, identity = _view(catalogue, scope)
    found = _cached((sql, identity, name, limit), lambda: _build(sql, shown, name, limit))
    # What is kept does not hold the catalogue; who has the query may ask for it through views.
    return replace(found, _asked=(sql, shown)) if name == "postgres" else found


def _cached(key: tuple[object, ...], make: Callable[[], GuardedQuery]) -> GuardedQuery:
    """What `make` gave for `key`, or refused."""
    with _lock:
        found = _queries.get(key)
        if found is not None:
            _queries.move_to_end(key)
    if found is None:
        try:
            found = make()
        except SqlRejected as error:
            found = SqlRejected(error.message, hint=error.hint)
        with _lock:
            _queries[key] = found
            while len(_queries) > _CACHED:
                _queries.popitem(last=False)
    if isinstance(found, SqlRejected):
        raise SqlRejected(found.message, hint=found.hint)
    return found


def _build(sql: str, shown: Visible, dialect: str, limit: int, views: str = "") -> GuardedQuery:
    try:
        sql = bracketed(sql, dialect)
        tree = parse(sql, dialect)
        check(tree, dialect)
        keep_meaning(tree, dialect)
        text = render(tree, dialect, quote=False)
        resolver = Resolver(shown, dialect, _prefix(sql), sql, views=views)
        resolver.run(tree)
        _limit(tree, limit, dialect)
        final = render(tree, dialect)
    except RecursionError:
        raise SqlRejected("the SQL is nested too deeply", hint="write it with fewer brackets and subqueries") from None
    except (SqlglotError, ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        # The parser meets odd input with odd exceptions; whatever it cannot read does not run.
        raise SqlRejected(f"the SQL cannot be read: {type(error).__name__}") from error
    return GuardedQuery(
        text=text,
        sql=final,
        dialect=dialect,
        tables=tuple(resolver.tables),
        limit=limit,
        columns=resolver.columns,
        reads=tuple((table, tuple(columns)) for table, columns in resolver.reads.items()),
        _seal=_SEAL,
    )


def _limit(tree: exp.Query, limit: int, dialect: str) -> None:
    own, most = tree.args.get("limit"), exp.Literal.number(limit + 1)
    if own is not None:
        value = own.expression
        if value.find(exp.Placeholder):
            raise SqlRejected("the outermost LIMIT takes a number, not a parameter")
        whole = value.this if isinstance(value, exp.Neg) else value
        if not isinstance(whole, exp.Literal):
            # A computed limit stays where only as many rows are fetched as `limit` says.
            if dialect != "sqlite":
                own.set("expression", exp.Least(this=value, expressions=[most]))
            return
        if isinstance(value, exp.Literal) and value.is_int and int(value.name) <= limit:
            return
    tree.set("limit", exp.Limit(expression=most))


def _prefix(sql: str) -> str:
    """A start for names of ours that no name in the query can equal."""
    folded, prefix = sql.lower(), "_g"
    while prefix in folded:
        prefix += "g"
    return prefix


def _view(catalogue: Catalogue, scope: Scope) -> tuple[Visible, tuple[int, str]]:
    # Both are frozen, so identity is enough; the entry holds them, so that an id is not given to another object.
    # A catalogue gets a serial number for the query cache, which outlives these entries.
    key = (id(catalogue), id(scope))
    with _lock:
        entry = _views.get(key)
        if entry is not None and entry[0] is catalogue and entry[1] is scope:
            _views.move_to_end(key)
            return entry[2], entry[3]
    shown, scope_key = visible(catalogue, scope), scope.key()
    with _lock:
        known = _serials.get(id(catalogue))
        if known is None or known[0]() is not catalogue:
            known = _serials[id(catalogue)] = (weakref.ref(catalogue), next(_counter))
        identity = (known[1], scope_key)
        _views[key] = (catalogue, scope, shown, identity)
        while len(_views) > 256:
            _views.popitem(last=False)
    return shown, identity
