"""Names in a query tied to what a scope shows, and every table scan replaced by its scoped form.

The tree is changed in place. Common table expressions get names of their own that no table has, so that what is
left as a table name can only be a base table, and every base table that is met becomes a scan. Safety rests on that
replacement; the resolution of columns on top of it gives clear errors, closes SQLite's habit of reading an unknown
quoted name as a string, and lets an open table be read directly instead of through a subquery.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlglot import exp
from sqlglot.expressions.core import Expr

from index.errors import PolicyError, SqlRejected
from index.guard.names import (
    Cte,
    Ctes,
    Frame,
    Scan,
    Source,
    anchor,
    double_quoted,
    given,
    is_query,
    is_value,
    source_of,
    star_of,
    tie,
    unknown,
)
from index.guard.rules import check, parse
from index.guard.visible import Visible, VisibleTable, fold, quoted, scan, table_node

_SCHEMAS = {"sqlite": {"main"}, "postgres": {"public"}}


class Resolver:
    """Resolves one query.

    After `run`, `columns` are its output names (empty where only the engine knows them), `tables` the base tables it
    names and `reads` every table and column that the engine will touch, those of row rules included. With `views` each
    scan reads the view of its table in that schema, which is what the scope shows of it.
    """

    def __init__(self, visible: Visible, dialect: str, prefix: str, text: str, *, views: str = "") -> None:
        self.visible = visible
        self.text = text
        self.dialect = dialect
        self.prefix = prefix
        self.views = views
        self.plain = True
        self.columns: tuple[str, ...] = ()
        self.tables: dict[str, None] = {}
        self.reads: dict[str, dict[str, None]] = {}
        self._scans: list[Scan] = []
        self._count = 0
        self._exact = True
        self._outer_joins = False
        self._sets = False

    def run(self, tree: exp.Query) -> None:
        """Resolve `tree` in place; raises `SqlRejected` (names, unsafe joins) or `PolicyError` (a bad row rule)."""
        names = self._query(tree, {}, None, named=True, outermost=True)
        # A star over joined columns is left to the engine, and so is the order of its columns.
        self.columns = tuple(names) if self._exact else ()
        if self._outer_joins and self._sets and self.dialect == "sqlite":
            # SQLite 3.40 returns wrong rows when it flattens UNION ALL under a RIGHT or FULL JOIN.
            raise SqlRejected(
                "RIGHT or FULL JOIN together with UNION is not reliable on SQLite", hint="use LEFT JOIN instead"
            )
        for item in self._scans:
            self._replace(item)

    def condition(self, text: str, table: VisibleTable) -> Expr:
        """A row rule, parsed and tied to `table` under the alias `prefix`; nothing outside it can capture a name."""
        tree = parse(f"SELECT 1 WHERE {text}", self.dialect)
        check(tree, self.dialect)
        rule = tree.args["where"].this if set(given(tree)) == {"expressions", "where"} else None
        if rule is None or not isinstance(tree, exp.Select):
            raise SqlRejected("a row rule is one condition")
        holder = exp.Paren(this=rule)
        whole = self.visible.find(table.name) or table  # a rule may look at columns that the scope hides
        source = self._base(exp.Table(this=quoted(table.name)), whole, self.prefix)
        self._expression(holder, {}, Frame(None, [source]))
        for item in self._scans:
            self._replace(item)
        return exp.Paren(this=holder.this)

    # -- queries -----------------------------------------------------------------------------------------------

    def _query(
        self, node: Expr, ctes: Ctes, parent: Frame | None, *, named: bool = False, outermost: bool = False
    ) -> list[str]:
        """Resolve a query; returns its output names. `named` gives expressions a name, for readers of the result."""
        if isinstance(node, exp.Subquery):
            if set(given(node)) != {"this"} or not is_query(node.this):
                raise SqlRejected("a query in brackets may not have an alias or a join here")
            return self._query(node.this, ctes, parent, named=named, outermost=outermost)
        if isinstance(node, exp.SetOperation):
            return self._set_operation(node, ctes, parent, named, outermost)
        if isinstance(node, exp.Select):
            return self._select(node, ctes, parent, named, outermost)
        raise SqlRejected("only SELECT may stand here")

    def _set_operation(
        self, node: exp.SetOperation, ctes: Ctes, parent: Frame | None, named: bool, outermost: bool
    ) -> list[str]:
        self._sets = True
        ctes = self._with(node, ctes, parent)
        names = self._query(node.this, ctes, parent, named=named, outermost=outermost)
        other = self._query(node.expression, ctes, parent)
        if len(names) != len(other):
            raise SqlRejected(f"the two sides of {node.key.upper()} have {len(names)} and {len(other)} columns")
        order = node.args.get("order")
        if order is not None:
            self._order(order, ctes, Frame(parent, aliases={fold(n): n for n in names}), outputs_only=True)
        self._bounds(node, ctes)
        return names

    def _select(self, node: exp.Select, ctes: Ctes, parent: Frame | None, named: bool, outermost: bool) -> list[str]:
        ctes = self._with(node, ctes, parent)
        frame = Frame(parent)
        from_ = node.args.get("from_")
        if from_ is not None:
            self._source(from_.this, ctes, frame)
        elif node.args.get("joins"):
            raise SqlRejected("a JOIN needs a FROM")
        for join in node.args.get("joins") or []:
            self._join(join, ctes, frame)
        names = self._projections(node, ctes, frame, named, outermost)
        for clause in (*frame.pending, *(node.args.get(k) for k in ("where", "group", "having"))):
            if clause is not None:
                self._expression(clause, ctes, frame)
        for window in node.args.get("windows") or []:
            self._expression(window, ctes, frame)
        if node.args.get("order") is not None:
            self._order(node.args["order"], ctes, frame)
        self._bounds(node, ctes)
        return names

    def _bounds(self, node: Expr, ctes: Ctes) -> None:
        """LIMIT and OFFSET may be computed, from queries of their own but from no column of this one."""
        for bound in (node.args.get("limit"), node.args.get("offset")):
            if bound is not None:
                self._expression(bound, ctes, Frame(None))

    def _with(self, node: Expr, ctes: Ctes, parent: Frame | None) -> Ctes:
        with_ = node.args.get("with_")
        if with_ is None:
            return ctes
        known = dict(ctes)
        for cte in with_.expressions:
            alias = cte.args["alias"]
            declared = [c.name for c in alias.args.get("columns") or []]
            self._count += 1
            fresh = f"{self.prefix}{self._count}"
            inside: Ctes = known
            if with_.args.get("recursive") and isinstance(cte.this, exp.SetOperation):
                inside = {**known, fold(alias.name): Cte(fresh, tuple(declared or anchor(cte.this)))}
            names = self._query(cte.this, inside, parent, named=True)
            if declared and len(declared) != len(names):
                raise SqlRejected(f"{alias.name} names {len(declared)} columns but selects {len(names)}")
            known[fold(alias.name)] = Cte(fresh, tuple(declared or names))
            alias.set("this", quoted(fresh))
        return known

    # -- sources -----------------------------------------------------------------------------------------------

    def _source(self, node: Expr, ctes: Ctes, frame: Frame) -> None:
        if isinstance(node, exp.Table):
            self._table(node, ctes, frame)
        elif isinstance(node, exp.Subquery) and is_query(node.this):
            self._derived(node, ctes, frame)
        elif isinstance(node, exp.Subquery) and isinstance(node.this, exp.Table | exp.Subquery):
            if node.args.get("alias"):
                raise SqlRejected("a join in brackets may not have an alias", hint="give each table its own alias")
            self._source(node.this, ctes, frame)
        elif isinstance(node, exp.Lateral) and isinstance(node.this, exp.Subquery) and is_query(node.this):
            self._lateral(node, ctes, frame)
        else:
            raise SqlRejected("FROM takes tables and queries only")
        for join in node.args.get("joins") or []:
            self._join(join, ctes, frame)

    def _table(self, node: exp.Table, ctes: Ctes, frame: Frame) -> None:
        if not isinstance(node.this, exp.Identifier):
            raise SqlRejected("table functions are not allowed in FROM")
        alias = node.args.get("alias")
        if alias is not None and alias.args.get("columns"):
            raise SqlRejected("a table alias may not rename columns")
        cte = ctes.get(fold(node.name)) if not node.args.get("db") else None
        if cte is not None:
            name = node.alias or node.name
            node.set("this", quoted(cte.name))
            node.set("alias", exp.TableAlias(this=quoted(name)))
            self._add(frame, source_of(name, cte.columns))
            return
        schema = node.db if node.args.get("db") and fold(node.db) not in _SCHEMAS[self.dialect] else ""
        name = f"{schema}.{node.name}" if schema else node.name
        table = self.visible.find(name) if not schema or self.dialect == "postgres" else None
        if table is None:
            raise unknown("table", name, (t.name for t in self.visible.tables.values()))
        self._add(frame, self._base(node, table, node.alias or (node.name if schema else table.name)))

    def _base(self, node: exp.Table, table: VisibleTable, alias: str) -> Source:
        item = Scan(node, table, alias)
        self._scans.append(item)
        return Source(alias, table.columns, tuple(table.columns.values()), item)

    def _derived(self, node: exp.Subquery, ctes: Ctes, frame: Frame) -> None:
        names = self._query(node.this, ctes, frame.parent, named=True)
        alias = node.args.get("alias")
        declared = [c.name for c in alias.args.get("columns") or []] if alias is not None else []
        if declared and (self.dialect == "sqlite" or len(declared) != len(names)):
            raise SqlRejected("the alias of a subquery may not rename its columns here")
        if alias is None or not alias.name:
            self._count += 1
            node.set("alias", exp.TableAlias(this=quoted(f"{self.prefix}{self._count}")))
        self._add(frame, source_of(node.alias, declared or names))

    def _lateral(self, node: exp.Lateral, ctes: Ctes, frame: Frame) -> None:
        """A subquery that sees the items of FROM to its left."""
        left = Frame(frame.parent, list(frame.sources), shared=set(frame.shared))
        names = self._query(node.this, ctes, left, named=True)
        alias = node.args.get("alias")
        declared = [c.name for c in alias.args.get("columns") or []] if alias is not None else []
        if alias is None or not alias.name or (declared and len(declared) != len(names)):
            raise SqlRejected("a LATERAL query needs an alias, and a name for each column or for none")
        self._add(frame, source_of(alias.name, declared or names))

    def _add(self, frame: Frame, source: Source) -> None:
        if any(fold(s.alias) == fold(source.alias) for s in frame.sources):
            raise SqlRejected(f"two tables are called {source.alias!r}", hint="give each its own alias")
        frame.sources.append(source)

    def _join(self, join: exp.Join, ctes: Ctes, frame: Frame) -> None:
        if (join.side or "").upper() in {"RIGHT", "FULL"}:
            self._outer_joins = True
        before = list(frame.sources)
        self._source(join.this, ctes, frame)
        added = frame.sources[len(before) :]
        using = join.args.get("using") or []
        if (join.method or "").upper() == "NATURAL":
            # The columns in common must be those the scope shows, so no table may be read directly.
            self._read_all(frame)
            left = {name for s in before for name in s.columns}
            frame.shared |= {name for s in added for name in s.columns if name in left}
        if using:
            # A table that is read directly has its hidden columns, too, and one of that name makes USING ambiguous.
            self.plain = False
        for item in using:
            name = fold(item.name)
            for side in (before, added):
                holders = [s for s in side if name in s.columns]
                if not holders:
                    raise unknown("column", item.name, (n for s in side for n in s.outputs))
                for source in holders:
                    source.use(source.columns[name])
            frame.shared.add(name)
            item.set("this", holders[0].columns[name])
            item.set("quoted", True)
        if join.args.get("on") is not None:
            frame.pending.append(join.args["on"])

    def _read_all(self, frame: Frame) -> None:
        self.plain = False
        for source in frame.sources:
            if source.scan is not None:
                source.scan.every = True

    # -- expressions -------------------------------------------------------------------------------------------

    def _projections(self, node: exp.Select, ctes: Ctes, frame: Frame, named: bool, outermost: bool) -> list[str]:
        names: list[str] = []
        aliases: dict[str, str] = {}
        result: list[Expr] = []
        for item in node.expressions:
            star = star_of(item)
            if star is not None:
                expanded, outputs = self._star(star, item, frame)
                self._exact = self._exact and not (outermost and expanded == [item])
                result += expanded
                names += outputs
                continue
            label = item.alias or item.name if isinstance(item, exp.Alias | exp.Column) else ""
            if not label and named:
                label = item.sql(self.dialect, comments=False)[:120]
            holder = exp.Paren(this=item)
            self._expression(holder, ctes, frame, aliases_visible=False)
            item = holder.this
            if isinstance(item, exp.Column):
                label = item.name
            elif isinstance(item, exp.Alias):
                aliases[fold(label)] = label
                item.args["alias"].set("quoted", True)
            if named and not isinstance(item, exp.Alias) and (outermost or not isinstance(item, exp.Column)):
                item = exp.Alias(this=item, alias=quoted(label))
            names.append(label)
            result.append(item)
        node.set("expressions", result)
        frame.aliases = aliases
        return names

    def _star(self, alias: str, item: Expr, frame: Frame) -> tuple[list[Expr], list[str]]:
        sources = [s for s in frame.sources if not alias or fold(s.alias) == fold(alias)]
        if not sources:
            raise unknown("table", alias or "*", (s.alias for s in frame.sources))
        distinct = all(len(s.columns) == len(s.outputs) for s in sources)
        if distinct and not frame.shared:
            for source in sources:
                for name in source.outputs:
                    source.use(name)
            pairs = [(s, name) for s in sources for name in s.outputs]
            return [exp.Column(this=quoted(n), table=quoted(s.alias)) for s, n in pairs], [n for _, n in pairs]
        self._read_all(frame)
        seen: set[str] = set()
        names: list[str] = []
        for source in sources:
            for name in source.outputs:
                if alias or fold(name) not in frame.shared or fold(name) not in seen:
                    names.append(name)
                seen.add(fold(name))
        return [item], names

    def _order(self, order: Expr, ctes: Ctes, frame: Frame, *, outputs_only: bool = False) -> None:
        for term in order.expressions:
            column = term.this
            if isinstance(column, exp.Column) and not column.table and fold(column.name) in frame.aliases:
                # A bare name in ORDER BY is the output of that name before it is anything else.
                column.set("this", quoted(frame.aliases[fold(column.name)]))
                continue
            if outputs_only and not (isinstance(column, exp.Literal) and column.is_int):
                raise SqlRejected(
                    "ORDER BY after UNION, INTERSECT or EXCEPT takes output columns", hint="name or number one"
                )
            self._expression(term, ctes, frame)

    def _expression(self, root: Expr, ctes: Ctes, frame: Frame, *, aliases_visible: bool = True) -> None:
        stack = [root]
        while stack:
            node = stack.pop()
            if isinstance(node, exp.Column):
                if isinstance(node.this, exp.Star):
                    raise SqlRejected("a star may only stand alone in a SELECT list or in COUNT(*)")
                self._column(node, frame, aliases_visible)
            elif is_query(node):
                self._query(node, ctes, frame)
            elif isinstance(node, exp.Table):
                raise SqlRejected("a table may only stand in FROM", hint="write IN (SELECT column FROM table)")
            elif isinstance(node, exp.Star):
                if not isinstance(node.parent, exp.Count):
                    raise SqlRejected("a star may only stand alone in a SELECT list or in COUNT(*)")
            else:
                stack.extend(node.iter_expressions())

    def _column(self, node: exp.Column, frame: Frame, aliases_visible: bool) -> None:
        if node.args.get("db") and self.dialect == "sqlite" and fold(node.db) not in _SCHEMAS["sqlite"]:
            raise SqlRejected(f"there is no schema {node.db!r}", hint="name the table alone")
        node.set("db", None)
        name, table = fold(node.name), node.table
        level: Frame | None = frame
        candidates: list[str] = []
        while level is not None:
            if table:
                found = [s for s in level.sources if fold(s.alias) == fold(table)]
                if found:
                    return tie(node, found[0])
            else:
                found = [s for s in level.sources if name in s.columns]
                if found and name in level.shared:
                    for source in found:
                        source.use(source.columns[name])
                    node.set("this", quoted(found[0].columns[name]))
                    return None
                if len(found) > 1:
                    places = ", ".join(s.alias for s in found)
                    raise SqlRejected(f"the column {node.name!r} is ambiguous: it is in {places}")
                if found:
                    return tie(node, found[0])
                if name in level.aliases and (aliases_visible or level is not frame):
                    # The engine may prefer a column that the scope hides to the alias: read no table directly.
                    self.plain = False
                    node.set("this", quoted(level.aliases[name]))
                    return None
                candidates += [*level.aliases.values(), *(n for s in level.sources for n in s.outputs)]
            level = level.parent
        if table:
            raise unknown("table or alias", table, (s.alias for s in frame.sources))
        if self.dialect == "sqlite" and double_quoted(node, self.text) and is_value(node):
            node.replace(exp.Literal.string(node.name))
            return None
        raise unknown("column", node.name, candidates)

    # -- scans -------------------------------------------------------------------------------------------------

    def _replace(self, item: Scan) -> None:
        table = item.table
        self.tables[table.name] = None
        if item.node.parent is None:  # the table of a row rule itself
            self._record(table.name, item.used)
            return
        names = [n for n in table.columns.values() if item.every or n in item.used]
        self._record(table.name, (n for n in names if n not in table.masked))
        if self.views:
            item.node.set("this", quoted(table.name))
            item.node.set("db", quoted(self.views))
            item.node.set("alias", exp.TableAlias(this=quoted(item.alias)))
            return
        if self.plain and not table.rows and not any(n in table.masked for n in names):
            plain = table_node(table.name, item.alias, self.dialect)
            for part in ("this", "db", "alias"):
                item.node.set(part, plain.args.get(part))
            return
        inner, rule, reads = self.filter_of(table)
        for name, columns in reads.items():
            self._record(name, columns)
        tree = scan(table, names, rule, item.alias, inner, self.dialect)
        if item.node.args.get("joins"):
            tree.set("joins", item.node.args["joins"])
        item.node.replace(tree)

    def filter_of(self, table: VisibleTable) -> tuple[str, Expr | None, Mapping[str, Iterable[str]]]:
        """An alias for the table inside its scan, its row rule (None where it has none), and what that reads."""
        inner = f"{self.prefix}r"
        while inner in table.rows.lower():
            inner += "r"
        return (inner, *self._rule(table, inner)) if table.rows else (inner, None, {})

    def _rule(self, table: VisibleTable, inner: str) -> tuple[Expr, Mapping[str, Iterable[str]]]:
        """The row rule of a table under the alias `inner`, and what it reads."""
        kept = self.visible.rules
        key = (table.name, inner, self.dialect)
        if key not in kept:
            resolver = Resolver(self.visible.whole, self.dialect, inner, text="")
            try:
                kept[key] = (resolver.condition(table.rows, table), resolver.reads)
            except SqlRejected as error:
                raise PolicyError(
                    f"the row rule of table {table.name!r} does not hold: {error.message}", hint="correct the policy"
                ) from error
        rule, reads = kept[key]
        return rule.copy(), reads

    def _record(self, table: str, columns: Iterable[str]) -> None:
        self.reads.setdefault(table, {}).update(dict.fromkeys(columns))
