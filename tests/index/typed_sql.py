"""Random queries over a generated schema, typed so that PostgreSQL takes them too: joins, nested and recursive WITH,
set operations, correlated subqueries, windows, LATERAL. From a seed; results do not depend on the order of rows.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from tests.index.schemas import SECRET, quote

Columns = Mapping[str, str]
_NUMBERS = ("integer", "number")


@dataclass
class Source:
    """An item of FROM: its alias, and its columns with their types."""

    alias: str
    columns: dict[str, str]


class TypedSql:
    """Makes queries over what a role sees of `tables`; some of them name what it does not see (`hidden`)."""

    def __init__(self, seed: int, tables: Mapping[str, Columns], hidden: list[str], dialect: str) -> None:
        self.chance = random.Random(seed)
        self.tables, self.hidden, self.postgres = dict(tables), hidden, dialect == "postgres"
        self.counter, self.outer = 0, True
        self.ctes: list[Source] = []

    def query(self) -> str:
        """One query."""
        self.counter, self.ctes = 0, []
        self.outer = self.postgres or self._often(0.3)  # SQLite is refused those together with UNION
        prefix = self._with() if self._often(0.4) else ""
        kinds = [self._kind() for _ in range(self.chance.randint(1, 3))]
        body = self._set(kinds, 2) if self._often(0.3) else self._select(kinds, 2, [])
        if self._often(0.3):
            body = f"SELECT * FROM ({body}) AS last"
        if self._often(0.25):
            order = ", ".join(f"{at + 1}{self.chance.choice(['', ' DESC'])}" for at in range(len(kinds)))
            body += f" ORDER BY {order}"
            if self._often(0.5) and "(SELECT * " not in body:
                body += f" LIMIT {self.chance.randint(1, 6)}"
                if self._often(0.3):
                    body += f" OFFSET {self.chance.randint(0, 2)}"
        return prefix + body

    # --- queries -------------------------------------------------------------------------------------------------

    def _with(self) -> str:
        parts, recursive = [], self._often(0.25)
        for at in range(self.chance.choice([1, 1, 2])):
            name = self.chance.choice([*self.tables, "x", "vault", f"w{at}"])
            if at and (recursive or not self.postgres):
                name = f"w{at}"  # the one before would read this one, and not the table of its name
            if any(c.alias == name for c in self.ctes):
                continue
            if recursive and at == 0:
                step = f"SELECT n + 1, v FROM {quote(name)} WHERE n < {self.chance.randint(2, 4)}"
                anchor = self._select(["integer", "text"], 1, [], named=("n", "v"))
                parts.append(f"{quote(name)}(n, v) AS ({anchor} UNION ALL {step})")
                self.ctes.append(Source(name, {"n": "integer", "v": "text"}))
                continue
            kinds = [self._kind() for _ in range(self.chance.randint(1, 3))]
            joined = self._often(0.2)
            if joined and not self.postgres:
                name = f"w{at}"  # SQLite takes a UNION that names itself for a recursion, with or without the word
            body = self._set(kinds, 1) if joined else self._select(kinds, 1, [])
            names = [f"c{number}" for number in range(len(kinds))]
            parts.append(f"{quote(name)}({', '.join(names)}) AS ({body})")
            self.ctes.append(Source(name, dict(zip(names, kinds, strict=True))))
        return f"WITH {'RECURSIVE ' if recursive else ''}{', '.join(parts)} " if parts else ""

    def _set(self, kinds: list[str], depth: int) -> str:
        operator = self.chance.choice(["UNION", "UNION ALL", "EXCEPT", "INTERSECT"])
        left, right = self._select(kinds, depth, []), self._select(kinds, depth - 1, [])
        if self.postgres and self._often(0.3):
            return f"({left}) {operator} ({right})"
        return f"{left} {operator} {right}"

    def _select(
        self, kinds: list[str], depth: int, outer: list[Source], *, named: tuple[str, ...] | None = None
    ) -> str:
        sources: list[Source] = []
        from_ = self._from(depth, sources, outer)
        scope = [*sources, *outer]
        tail = f" WHERE {self._condition(depth, scope)}" if self._often(0.6) else ""
        grouped, items = self._often(0.3), []
        if grouped:
            keys = [self._column(sources, kind) for kind in kinds[:-1]]
            items = [*keys, self._aggregate(kinds[-1], sources)]
            named_keys = [key for key in dict.fromkeys(keys) if "." in key and not key[0].isdigit()]
            if keys and (named_keys or not self.postgres):
                tail += f" GROUP BY {', '.join(named_keys)}" if named_keys else ""
            if named_keys and self._often(0.4):
                tail += f" HAVING count(*) >= {self.chance.randint(1, 3)}"
        else:
            items = [self._value(kind, depth, scope) for kind in kinds]
            if self._often(0.15):
                items[0] = self._window(kinds[0], sources)
        names = named or tuple(self._label(at) for at in range(len(kinds)))
        listed = ", ".join(f"{item} AS {quote(name)}" for item, name in zip(items, names, strict=True))
        distinct = "DISTINCT " if self._often(0.15) and not grouped else ""
        return f"SELECT {distinct}{listed} FROM {from_}{tail}"

    def _label(self, at: int) -> str:
        hidden = [name for name in self.hidden if "." not in name] or ["v"]
        return f"{self.chance.choice(['v', 'id', 'name', self.chance.choice(hidden)])} {at}"

    # --- FROM ----------------------------------------------------------------------------------------------------

    def _from(self, depth: int, sources: list[Source], outer: list[Source]) -> str:
        text = self._item(depth, sources)
        for _ in range(self.chance.choice([0, 0, 0, 1, 1, 2])):
            before = list(sources)
            if self.postgres and depth > 0 and self._often(0.15):
                text += self._lateral(depth, sources)
                continue
            item = self._item(depth, sources)
            kinds = ["JOIN", "LEFT JOIN", ",", "NATURAL JOIN", "USING", "LEFT JOIN", "JOIN"]
            kind = self.chance.choice([*kinds, *(["RIGHT JOIN", "FULL JOIN"] if self.outer else [])])
            added = sources[-1]
            shared = [
                c for c in added.columns if [s.columns.get(c) for s in before].count(added.columns[c]) == 1
                and all(s.columns.get(c) in (None, added.columns[c]) for s in before)
            ]  # fmt: skip
            if kind == "USING" and shared:
                chosen = self.chance.choice(shared)
                text += f" JOIN {item} USING ({quote(chosen)})"
                added.columns.pop(chosen)  # it belongs to no one source any more
                for source in before:
                    source.columns.pop(chosen, None)
            elif kind == "NATURAL JOIN" and len(before) == 1 and shared and self._often(0.5):
                if any(before[0].columns.get(c, k) != k for c, k in added.columns.items()):
                    text += f" CROSS JOIN {item}"
                    continue
                text += f" NATURAL JOIN {item}"
                for name in shared:
                    added.columns.pop(name)
                    before[0].columns.pop(name, None)
            elif kind == ",":
                text += f" CROSS JOIN {item}"
            else:
                kind = "JOIN" if kind in ("USING", "NATURAL JOIN") else kind
                kind = "LEFT JOIN" if kind == "FULL JOIN" and self.postgres else kind  # it takes only equalities
                text += f" {kind} {item} ON {self._comparison(0, [*sources])}"
        if not any(source.columns for source in sources):
            self.counter += 1
            extra = Source(f"t{self.counter}", {"one": "integer"})
            sources.append(extra)
            text += f" CROSS JOIN (SELECT 1 AS one) AS {extra.alias}"
        return text

    def _item(self, depth: int, sources: list[Source]) -> str:
        self.counter += 1
        alias, roll = f"t{self.counter}", self.chance.random()
        if depth > 0 and roll < 0.15:
            kinds = [self._kind() for _ in range(2)]
            body = self._select(kinds, depth - 1, [], named=("p", "q"))
            sources.append(Source(alias, dict(zip(("p", "q"), kinds, strict=True))))
            return f"({body}) AS {alias}"
        if self.ctes and roll < 0.4:
            cte = self.chance.choice(self.ctes)
            sources.append(Source(alias, dict(cte.columns)))
            return f"{quote(cte.alias)} AS {alias}"
        free = [name for name in self.tables if all(cte.alias != name for cte in self.ctes)]
        if not free:
            sources.append(Source(alias, {"one": "integer"}))
            return f"(SELECT 1 AS one) AS {alias}"
        name = self.chance.choice(free)
        sources.append(Source(alias, dict(self.tables[name])))
        item = f"{quote(name)} AS {alias}"
        if self._often(0.01):
            return f"{self.chance.choice(['vault', 'sqlite_master', 'pg_class'])} AS {alias}"
        return f"({item})" if self._often(0.05) and not self.postgres else item

    def _lateral(self, depth: int, sources: list[Source]) -> str:
        self.counter += 1
        alias, kind = f"t{self.counter}", self._kind()
        inner: list[Source] = []
        from_ = self._from(0, inner, sources)
        body = (
            f"SELECT {self._aggregate(kind, inner)} AS p FROM {from_} WHERE {self._comparison(0, [*inner, *sources])}"
        )
        sources.append(Source(alias, {"p": kind}))
        return f" CROSS JOIN LATERAL ({body}) AS {alias}"

    # --- expressions ---------------------------------------------------------------------------------------------

    def _kind(self) -> str:
        return self.chance.choice(["text", "text", "integer", "number", "date", "boolean"])

    def _columns(self, scope: list[Source], kind: str) -> list[str]:
        return [f"{s.alias}.{quote(c)}" for s in scope for c, k in s.columns.items() if k == kind]

    def _column(self, scope: list[Source], kind: str) -> str:
        """A column of that type, or a literal where there is none; sometimes one that the role does not see."""
        if self.hidden and self._often(0.006):
            return f"{self.chance.choice(scope).alias}.{quote(self.chance.choice(self.hidden))}"
        found = self._columns(scope, kind)
        return self.chance.choice(found) if found else self._literal(kind)

    def _literal(self, kind: str) -> str:
        chance = self.chance
        if kind == "text":
            text = chance.choice(["EMEA", "open", "", "O''Hara", SECRET, f"{SECRET} open", "50%"])
            return f"CAST('{text}' AS TEXT)" if self.postgres else f"'{text}'"
        if kind == "integer":
            return str(chance.randint(0, 5))
        if kind == "number":
            return chance.choice(["0.5", "2.25", "1.0"])
        if kind == "boolean":
            return chance.choice(["TRUE", "FALSE"])
        return "CAST('2026-05-15' AS DATE)" if self.postgres else "'2026-05-15'"

    def _value(self, kind: str, depth: int, scope: list[Source]) -> str:
        roll = self.chance.random()
        if roll < 0.5:
            return self._column(scope, kind)
        if roll < 0.58:
            return self._literal(kind)
        if roll < 0.68:
            one, other = self._column(scope, kind), self._column(scope, kind)
            return f"CASE WHEN {self._comparison(0, scope)} THEN {one} ELSE {other} END"
        if roll < 0.75:
            return f"coalesce({self._column(scope, kind)}, {self._literal(kind)})"
        if roll < 0.83 and depth > 0:
            return self._scalar(kind, scope)
        if kind == "text":
            function = self.chance.choice(["lower", "upper", "trim"])
            return self.chance.choice(
                [f"{function}({self._column(scope, 'text')})", f"({self._column(scope, 'text')} || 'x')",
                 f"replace({self._column(scope, 'text')}, 'e', 'E')"]
            )  # fmt: skip
        if kind in _NUMBERS:
            one, other = self._column(scope, kind), self._column(scope, kind)
            choices = [
                f"({one} {self.chance.choice(['+', '-', '*'])} {other})",
                f"abs({one})",
                f"nullif({one}, {other})",
            ]
            if kind == "integer":
                choices.append(f"length({self._column(scope, 'text')})")
            elif self._often(0.2):
                choices.append(f"({one} / {other})")  # may fail, and must fail alike
            return self.chance.choice(choices)
        if kind == "boolean":
            return f"({self._comparison(0, scope)})"
        return self._column(scope, kind)

    def _scalar(self, kind: str, outer: list[Source]) -> str:
        sources: list[Source] = []
        from_ = self._from(0, sources, outer)
        where = self._comparison(0, [*sources, *outer])
        return f"(SELECT {self._aggregate(kind, sources)} FROM {from_} WHERE {where})"

    def _aggregate(self, kind: str, sources: list[Source]) -> str:
        column = self._column(sources, kind)
        if kind == "integer":
            made = self.chance.choice(
                ["count(*)", f"count({column})", f"count(DISTINCT {column})", f"min({column})", f"max({column})"]
            )
        elif kind == "number":
            made = self.chance.choice([f"sum({column})", f"min({column})", f"avg({column})"])
        elif kind == "boolean":
            return f"(count({column}) > {self.chance.randint(0, 3)})"
        else:
            made = self.chance.choice([f"min({column})", f"max({column})"])
        if self._often(0.1):
            made += f" FILTER (WHERE {self._comparison(0, sources)})"
        return made

    def _window(self, kind: str, sources: list[Source]) -> str:
        partition = self._column(sources, self._kind())
        if kind == "boolean":
            return self._column(sources, kind)
        if kind == "integer" and self._often(0.4):
            order = self._column(sources, self._kind())
            return f"{self.chance.choice(['rank', 'dense_rank'])}() OVER (PARTITION BY {partition} ORDER BY {order})"
        made = self._aggregate(kind, sources).partition(" FILTER")[0].replace("DISTINCT ", "")
        return f"{made} OVER (PARTITION BY {partition})"

    def _condition(self, depth: int, scope: list[Source]) -> str:
        text = self._comparison(depth, scope)
        for _ in range(self.chance.choice([0, 0, 1, 2])):
            text += f" {self.chance.choice(['AND', 'OR'])} {self._comparison(depth, scope)}"
        return f"NOT ({text})" if self._often(0.1) else text

    def _comparison(self, depth: int, scope: list[Source]) -> str:
        kind, roll = self._kind(), self.chance.random()
        left = self._column(scope, kind)
        if roll < 0.3:
            operator = self.chance.choice(["=", "<>", "<", ">", "<=", ">="])
            return f"{left} {operator} {self._literal(kind)}"
        if roll < 0.5:
            return f"{left} {self.chance.choice(['=', '<', '<>'])} {self._column(scope, kind)}"
        if roll < 0.58:
            return f"{left} IS {self.chance.choice(['', 'NOT '])}NULL"
        if roll < 0.64 and kind != "boolean":
            return f"{left} BETWEEN {self._literal(kind)} AND {self._column(scope, kind)}"
        if roll < 0.7:
            return f"{left} IN ({self._literal(kind)}, {self._literal(kind)})"
        if roll < 0.76:
            return f"{self._column(scope, 'text')} LIKE '{self.chance.choice(['%e%', 'S%', '%', '_', SECRET + '%'])}'"
        if depth > 0 and roll < 0.92:
            body = self._select([kind], depth - 1, scope)
            return self.chance.choice(
                [f"{left} IN ({body})", f"{left} NOT IN ({body})", f"EXISTS ({body})", f"NOT EXISTS ({body})",
                 *([f"{left} = ANY ({body})"] if self.postgres else [])]
            )  # fmt: skip
        if depth > 0:
            return f"{left} = {self._scalar(kind, scope)}"
        return f"{left} = {self._column(scope, kind)}"

    def _often(self, share: float) -> bool:
        return self.chance.random() < share
