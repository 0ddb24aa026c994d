"""Random queries over the two worlds, from a seed: joins, subqueries, expressions, set operations, windows, shadowing.

Results do not depend on the order of rows: no LIMIT without a total order, no bare columns next to aggregates.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from tests.index.worlds import CATALOGUE

_HIDDEN = {"phone", "note", "password", "cost"}
_TABLES = {t.name: [c.name for c in t.columns if c.name not in _HIDDEN] for t in CATALOGUE.tables}
_CONSTANTS = ["'EMEA'", "'open'", "'ACC-1'", "100", "0", "1", "NULL", "'2026-02-01'", "'%e%'", "-5", "12.5"]


@dataclass
class Source:
    """An item of FROM: how it is called and what it is known to have."""

    alias: str
    columns: list[str]


@dataclass
class SqlMaker:
    """Makes queries from one random generator. `depth` bounds nesting."""

    chance: random.Random
    counter: int = 0
    ctes: list[Source] = field(default_factory=list)

    def query(self) -> str:
        """One query."""
        self.counter, self.ctes = 0, []
        prefix = ""
        if self.chance.random() < 0.3:
            prefix = self._with()
        body, columns = self._select(2, [])
        kind = self.chance.random()
        if kind < 0.15:
            other = self._select(1, [], width=len(columns))[0]
            operator = self.chance.choice(["UNION", "UNION ALL", "EXCEPT", "INTERSECT"])
            body = f"{body} {operator} {other}"
        if self.chance.random() < 0.25:
            body += " ORDER BY " + ", ".join(str(at + 1) for at in range(len(columns)))
            if self.chance.random() < 0.5:
                body += f" LIMIT {self.chance.randint(1, 6)}"
        return prefix + body

    def _with(self) -> str:
        name = self.chance.choice(["x", "accounts", "staff", "orders", "y"])
        body, columns = self._select(1, [])
        if self.chance.random() < 0.2:
            text = f"WITH RECURSIVE {name}(n, m) AS (SELECT 1, 2 UNION ALL SELECT n + 1, m FROM {name} WHERE n < 4) "
            self.ctes.append(Source(name, ["n", "m"]))
            return text
        names = [f"c{at}" for at in range(len(columns))]
        self.ctes.append(Source(name, names))
        return f"WITH {name}({', '.join(names)}) AS ({body}) "

    def _select(self, depth: int, outer: list[Source], width: int = 0) -> tuple[str, list[str]]:
        sources: list[Source] = []
        from_ = self._from(depth, sources)
        scope = [*sources, *outer]
        grouped = self.chance.random() < 0.25
        count = width or self.chance.randint(1, 3)
        distinct = "DISTINCT " if self.chance.random() < 0.15 else ""
        tail = ""
        if self.chance.random() < 0.6:
            tail += f" WHERE {self._condition(depth, scope)}"
        if grouped:
            keys = [self._column(sources) for _ in range(count - 1)]
            items = [*keys, self._aggregate(sources)]
            if keys:
                tail += f" GROUP BY {', '.join(keys)}"
                if self.chance.random() < 0.4:
                    tail += f" HAVING {self._aggregate(sources)} > {self.chance.randint(0, 3)}"
        elif not width and self.chance.random() < 0.12:
            star = self.chance.choice(sources)
            return f"SELECT {self.chance.choice(['*', star.alias + '.*'])} FROM {from_}{tail}", ["*"]
        else:
            items = [self._expression(depth, scope) for _ in range(count)]
            if self.chance.random() < 0.1:
                items[0] = f"{self._aggregate(sources)} OVER (PARTITION BY {self._column(sources)})"
        names = [self.chance.choice(["phone", "v", "name", "total", "_key"]) + str(at) for at in range(len(items))]
        if self.chance.random() < 0.2:
            names[0] = self.chance.choice(["phone", "note", "cost", "name"])
        named = [f"{item} AS {name}" for item, name in zip(items, names, strict=True)]
        if not grouped and self.chance.random() < 0.1 and "OVER" not in items[0]:
            tail += f"{' AND' if 'WHERE' in tail else ' WHERE'} {names[0]} IS NOT NULL"
        return f"SELECT {distinct}{', '.join(named)} FROM {from_}{tail}", names

    def _from(self, depth: int, sources: list[Source]) -> str:
        text = self._item(depth, sources)
        for _ in range(self.chance.choice([0, 0, 0, 1, 1, 2])):
            before = list(sources)
            item = self._item(depth, sources)
            kind = self.chance.choice(["JOIN", "LEFT JOIN", ",", "NATURAL JOIN", "USING", "RIGHT JOIN"])
            shared = [c for c in sources[-1].columns if any(c in s.columns for s in before)]
            if kind == "USING" and shared and "(" not in item[:1]:
                text += f" JOIN {item} USING ({self.chance.choice(shared)})"
            elif kind in ("NATURAL JOIN", ","):
                text += f" {kind} {item}"
            else:
                kind = "JOIN" if kind == "USING" else kind
                text += f" {kind} {item} ON {self._comparison(0, sources)}"
        return text

    def _item(self, depth: int, sources: list[Source]) -> str:
        self.counter += 1
        alias = f"t{self.counter}"
        roll = self.chance.random()
        if depth > 0 and roll < 0.15:
            body, columns = self._select(depth - 1, [])
            if columns != ["*"]:
                sources.append(Source(alias, columns))
                return f"({body}) AS {alias}"
        if self.ctes and roll < 0.4:
            cte = self.chance.choice(self.ctes)
            sources.append(Source(alias, cte.columns))
            return f"{cte.alias} AS {alias}"
        name = self.chance.choice(["accounts", "orders", "Order Details", "accounts", "orders", "staff"])
        if name == "staff" and self.chance.random() < 0.95:
            name = "orders"
        written = self._quoted(name)
        shadowed = any(c.alias == name for c in self.ctes)
        if shadowed or self.chance.random() < 0.1:
            written = f"main.{written}"
        sources.append(Source(alias, _TABLES[name]))
        item = f"{written} AS {alias}"
        return f"({item})" if self.chance.random() < 0.1 else item

    def _quoted(self, name: str) -> str:
        if " " in name:
            return self.chance.choice([f'"{name}"', f"[{name}]", f"`{name}`"])
        return self.chance.choice([name, name, name.upper(), f'"{name}"', f"[{name}]"])

    def _column(self, sources: list[Source]) -> str:
        source = self.chance.choice(sources)
        name = self.chance.choice(source.columns)
        if self.chance.random() < 0.015:
            name = self.chance.choice(["phone", "note", "cost", "_key", "rowid", "password"])
        written = self._quoted(name)
        return f"{source.alias}.{written}" if self.chance.random() < 0.95 else written

    def _aggregate(self, sources: list[Source]) -> str:
        name = self.chance.choice(["count", "sum", "min", "max", "avg", "total"])
        if name == "count" and self.chance.random() < 0.5:
            return "count(*)"
        distinct = "DISTINCT " if self.chance.random() < 0.2 else ""
        return f"{name}({distinct if name != 'total' else ''}{self._column(sources)})"

    def _expression(self, depth: int, scope: list[Source]) -> str:
        roll = self.chance.random()
        if roll < 0.55:
            return self._column(scope)
        if roll < 0.65:
            return self.chance.choice(_CONSTANTS)
        if roll < 0.72:
            operator = self.chance.choice(["+", "-", "*", "/", "%", "||"])
            return f"({self._column(scope)} {operator} {self._column(scope)})"
        if roll < 0.8:
            function = self.chance.choice(["lower", "upper", "length", "abs", "typeof", "trim", "date"])
            return f"{function}({self._column(scope)})"
        if roll < 0.86:
            return f"CASE WHEN {self._comparison(0, scope)} THEN {self._column(scope)} ELSE 'z' END"
        if roll < 0.91:
            return f"coalesce({self._column(scope)}, {self.chance.choice(_CONSTANTS)})"
        if depth > 0:
            sources: list[Source] = []
            from_ = self._from(0, sources)
            condition = self._comparison(0, [*sources, *scope])
            return f"(SELECT {self._aggregate(sources)} FROM {from_} WHERE {condition})"
        return f"CAST({self._column(scope)} AS {self.chance.choice(['TEXT', 'INTEGER', 'REAL', 'NUMERIC'])})"

    def _condition(self, depth: int, scope: list[Source]) -> str:
        parts = [self._comparison(depth, scope) for _ in range(self.chance.choice([1, 1, 2, 3]))]
        text = parts[0]
        for part in parts[1:]:
            text = f"{text} {self.chance.choice(['AND', 'OR'])} {part}"
        return f"NOT ({text})" if self.chance.random() < 0.1 else text

    def _comparison(self, depth: int, scope: list[Source]) -> str:
        roll = self.chance.random()
        left = self._column(scope)
        if roll < 0.35:
            operator = self.chance.choice(["=", "<>", "<", ">", "<=", ">=", "IS", "IS NOT", "LIKE"])
            return f"{left} {operator} {self.chance.choice(_CONSTANTS)}"
        if roll < 0.6:
            return f"{left} {self.chance.choice(['=', '=', '<', '<>'])} {self._column(scope)}"
        if roll < 0.68:
            return f"{left} IS {self.chance.choice(['', 'NOT '])}NULL"
        if roll < 0.76:
            return f"{left} BETWEEN {self.chance.choice(_CONSTANTS)} AND {self._column(scope)}"
        if roll < 0.84:
            return f"{left} IN ({', '.join(self.chance.sample(_CONSTANTS, 3))})"
        if depth > 0:
            body, columns = self._select(depth - 1, scope, width=1)
            if roll < 0.92 and columns != ["*"]:
                return f"{left} {self.chance.choice(['IN', 'NOT IN'])} ({body})"
            return f"{self.chance.choice(['', 'NOT '])}EXISTS ({body})"
        return f"{left} = {self._column(scope)}"
