"""Reading `policy.yaml`, with errors that name the place in it. `docs/policy.md` describes the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast, get_args

from index.catalogue.file import read_yaml
from index.catalogue.model import Catalogue, Column, Table
from index.catalogue.node import Node, fail, near
from index.errors import CatalogueError, PolicyError, PolicyFileError, SqlRejected
from index.guard.guard import guard
from index.policy.policy import Policy, Role, User, bound
from index.policy.rows import AttributeValue, sample_attributes
from index.scope import Action, Principal, Scope, TableScope, Visibility

EVERYTHING = "*"
_LEVELS = ("visible", "masked", "hidden")
_BY_SENSITIVITY: Mapping[str, str] = {"secret": "hidden", "personal": "masked"}


def load_policy(path: Path, catalogue: Catalogue, tags: frozenset[str]) -> Policy:
    """The policy in a YAML file, checked against the catalogue and the declared document tags; `PolicyFileError`."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyFileError(f"the policy {path} cannot be read: {error}", hint="docs/policy.md shows one") from error
    try:
        content = read_yaml(text, str(path))
    except CatalogueError as error:
        raise PolicyFileError(error.message, hint=error.hint) from error
    return parse_policy(content, catalogue, tags, str(path))


def parse_policy(
    content: Mapping[str, Any], catalogue: Catalogue, tags: frozenset[str], where: str = "policy"
) -> Policy:
    """The policy in a mapping as YAML gives it; `where` starts every message. Raises `PolicyFileError`."""
    try:
        return _Reader(catalogue, tags, Node(content, "", where)).policy()
    except CatalogueError as error:
        raise PolicyFileError(error.message, hint=error.hint or "docs/policy.md describes the file") from error


class _Reader:
    """Reads one file; names are compared with those of the catalogue."""

    def __init__(self, catalogue: Catalogue, tags: frozenset[str], root: Node) -> None:
        self.catalogue = catalogue
        self.tags = tags
        self.root = root

    def policy(self) -> Policy:
        root = self.root
        root.integer("version", 1, low=1, high=1)
        roles = {name: self._role(name, node) for name, node in root.children("roles")}
        groups = {name: self._group(node, roles) for name, node in root.children("groups")}
        users = {name: self._user(name, node, groups, roles) for name, node in root.children("users")}
        root.done()
        if not users and not groups:
            raise fail(root, "users", "declares nobody, so nobody could ask", hint="declare at least one user or group")
        for role in roles.values():
            self._check_rows(role, [user for user in users.values() if role.name in user.roles])
        return Policy(users, roles, groups)

    # --- who -----------------------------------------------------------------------------------------------------

    def _group(self, node: Node, roles: Iterable[str]) -> tuple[str, ...]:
        held = self._named(node, "roles", roles, "role")
        node.text("description")
        node.done()
        return held

    def _user(self, name: str, node: Node, groups: Mapping[str, tuple[str, ...]], roles: Iterable[str]) -> User:
        own = self._named(node, "roles", roles, "role")
        member = self._named(node, "groups", groups, "group")
        attributes = self._attributes(node)
        node.text("description")
        node.done()
        held = dict.fromkeys((*own, *(role for group in member for role in groups[group])))
        return User(name, tuple(held), frozenset(member), attributes)

    def _attributes(self, node: Node) -> dict[str, AttributeValue]:
        value = node.take("attributes")
        child = Node({} if value is None else value, node.place("attributes"), node.where)
        return {name: child.texts(name) if isinstance(child.take(name), list) else child.text(name) for name in child}

    # --- what ----------------------------------------------------------------------------------------------------

    def _role(self, name: str, node: Node) -> Role:
        role = Role(
            name,
            self._tables(node),
            self._allowed(node, "documents", self.tags, "document tag"),
            self._follows(node),
            cast("frozenset[Action]", self._allowed(node, "actions", get_args(Action), "action")),
            node.text("description"),
            node.flag("withheld"),
        )
        node.done()
        return role

    def _tables(self, node: Node) -> dict[str, TableScope]:
        value = node.take("tables")
        if value is None or value == EVERYTHING:
            return {t.name: _every_column(t) for t in self.catalogue.tables} if value else {}
        child = Node(value, node.place("tables"), node.where)
        found: dict[str, TableScope] = {}
        for name in child:
            if name == EVERYTHING:
                if child.take(name) != EVERYTHING:
                    raise fail(child, name, "stands for every other table, whole", hint='"*": "*"')
                others = [t for t in self.catalogue.tables if t.name not in set(child)]
                found |= {t.name: _every_column(t) for t in others}
                continue
            table = self.catalogue.table(name)
            if table is None:
                raise self._missing(child, name, "table", (t.name for t in self.catalogue.tables))
            found[name] = self._table(table, child, name)
        return found

    def _table(self, table: Table, parent: Node, name: str) -> TableScope:
        value = parent.take(name)
        if value == EVERYTHING:
            return _every_column(table)
        if isinstance(value, list):
            value = {"columns": value}
        node = Node(value, parent.place(name), parent.where)
        shown = TableScope(self._columns(table, node), node.text("rows"))
        node.done()
        if not shown.columns:
            raise fail(
                node, "columns", "shows no column", hint='"*", a list of columns, or a mapping to visible|masked'
            )
        return shown

    def _columns(self, table: Table, node: Node) -> dict[str, Visibility]:
        value = node.take("columns")
        if value == EVERYTHING:
            return dict(_every_column(table).columns)
        if value is None or isinstance(value, list):
            names = node.texts("columns")
            return {self._column(table, node, "columns", name): "visible" for name in names}
        child = Node(value, node.place("columns"), node.where)
        levels = {name: child.choice(name, _LEVELS) for name in child}
        rest = levels.pop(EVERYTHING, "hidden")
        given = {self._column(table, child, name, name): level for name, level in levels.items()}
        full = {c.name: given.get(c.name) or _stricter(rest, c) for c in table.columns}
        return {name: cast(Visibility, level) for name, level in full.items() if level != "hidden"}

    def _column(self, table: Table, node: Node, key: str, name: str) -> str:
        if table.column(name) is None:
            raise self._missing(node, key, f"column in {table.name}", (c.name for c in table.columns), name)
        return name

    def _follows(self, node: Node) -> frozenset[str]:
        rules = node.text_mapping("entities")
        child = Node(rules, node.place("entities"), node.where)
        for name in rules:
            if self.catalogue.entity(name) is None:
                raise self._missing(child, name, "entity", (e.name for e in self.catalogue.entities))
            child.choice(name, ("rows",))
        return frozenset(rules)

    def _allowed(self, node: Node, key: str, known: Iterable[str], kind: str) -> frozenset[str]:
        return frozenset(known) if node.take(key) == EVERYTHING else frozenset(self._named(node, key, known, kind))

    def _named(self, node: Node, key: str, known: Iterable[str], kind: str) -> tuple[str, ...]:
        names = node.texts(key)
        among = sorted(known)
        for name in names:
            if name not in among:
                raise self._missing(node, key, kind, among, name)
        return names

    # --- rows ----------------------------------------------------------------------------------------------------

    def _check_rows(self, role: Role, users: list[User]) -> None:
        """Every row rule must pass the guard, and every user of the role must have what its rules need."""
        for name, table in role.tables.items():
            if not table.rows:
                continue
            place = self._rows_node(role.name, name)
            try:
                filled = [bound(table, user.attributes) for user in users]
                self._try(name, (filled or [bound(table, sample_attributes(table.rows))])[0])
            except (PolicyError, SqlRejected) as error:
                lacking = next((u.name for u in users if _lacks(table, u)), "")
                said = f"{error.message} ({lacking})" if lacking else error.message
                raise fail(place, "rows", said, hint=error.hint) from error

    def _try(self, table: str, shown: TableScope) -> None:
        whole = Scope.administrator(self.catalogue, frozenset()).tables
        scope = Scope(Principal("policy"), {**whole, table: TableScope(whole[table].columns, shown.rows)}, frozenset())
        quoted = table.replace('"', '""')
        guard(f'SELECT 1 AS one FROM "{quoted}"', self.catalogue, scope)

    def _rows_node(self, role: str, table: str) -> Node:
        return Node({}, f"roles.{role}.tables.{table}", self.root.where)

    def _missing(
        self, node: Node, key: str, kind: str, among: Iterable[str], name: str | None = None
    ) -> CatalogueError:
        wanted = key if name is None else name
        known = sorted(among)
        return fail(
            node, key, f"there is no {kind} {wanted!r}", hint=near(wanted, known) or f"known: {', '.join(known)}"
        )


def _every_column(table: Table) -> TableScope:
    """The columns that `"*"` shows: secret ones are hidden, personal ones masked, unless a role names them."""
    levels = {c.name: _stricter("visible", c) for c in table.columns}
    return TableScope({name: cast(Visibility, level) for name, level in levels.items() if level != "hidden"})


def _stricter(rest: str, column: Column) -> str:
    """The level of a column that is not named, where those are `rest`."""
    own = _BY_SENSITIVITY.get(column.sensitivity, "visible")
    return max(rest, own, key=_LEVELS.index)


def _lacks(table: TableScope, user: User) -> bool:
    try:
        bound(table, user.attributes)
    except PolicyError:
        return True
    return False
