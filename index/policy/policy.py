"""Policy: users, groups and roles, and the Scope that a user's roles add up to. `index.policy.file` reads the file.

Roles are added up so that nothing appears in the sum that no single role shows: rows are OR-ed, and where roles that
show different rows of one table disagree on a column, the stricter of them holds for all of the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from index.errors import PolicyError
from index.policy.rows import AttributeValue, bind
from index.scope import Action, Principal, Scope, TableScope, Visibility

_LEVEL: Mapping[str | None, int] = {None: 0, "masked": 1, "visible": 2}


@dataclass(frozen=True)
class Role:
    """What one role shows and allows. `rows` of its tables may hold `{attribute}`s of the user.

    `follows` names entities: of the documents with `tags`, those about such an entity are visible only where the
    entity's row is. `withheld` lets answers tell how much policy kept from them.
    """

    name: str
    tables: Mapping[str, TableScope] = field(default_factory=dict)
    tags: frozenset[str] = frozenset()
    follows: frozenset[str] = frozenset()
    actions: frozenset[Action] = frozenset()
    description: str = ""
    withheld: bool = False


@dataclass(frozen=True)
class User:
    """A user with the roles of its own and of its groups."""

    name: str
    roles: tuple[str, ...] = ()
    groups: frozenset[str] = frozenset()
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)

    @property
    def principal(self) -> Principal:
        """The user as the one who asks."""
        return Principal(self.name, self.groups, self.attributes)


@dataclass(frozen=True)
class Policy:
    """All users and roles of a workspace; checked when it was read."""

    users: Mapping[str, User]
    roles: Mapping[str, Role]
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def user(self, name: str) -> User:
        """The user of that name; raises `PolicyError`, without a word on who else there is."""
        found = self.users.get(name)
        if found is None:
            raise PolicyError(f"this workspace has no user {name!r}", hint="users are declared in its policy file")
        return found

    def roles_of(self, name: str) -> tuple[Role, ...]:
        """The roles of a user, those of its groups included, each once."""
        return tuple(self.roles[role] for role in dict.fromkeys(self.user(name).roles))

    def scope(self, name: str) -> Scope:
        """What the user's roles add up to. `about` is still empty where documents follow rows: who knows the rows
        fills it in (`index.policy.documents`). Raises `PolicyError` for an unknown user."""
        return add_up(self.user(name).principal, self.roles_of(name))

    def member_scope(self, name: str, groups: frozenset[str], attributes: Mapping[str, AttributeValue]) -> Scope:
        """What somebody sees whom the file does not list and whom a sign-in service calls a member of `groups`.

        Raises `PolicyError` for one without a group that the file declares, or without an attribute that a rule needs.
        """
        known = frozenset(group for group in groups if group in self.groups)
        if not known:
            raise PolicyError(
                f"this workspace has no user {name!r}, and none of the user's groups", hint="ask an administrator"
            )
        names = dict.fromkeys(role for group in sorted(known) for role in self.groups[group])
        try:
            return add_up(Principal(name, known, attributes), [self.roles[role] for role in names])
        except PolicyError as error:  # the rule that needs it is not for the caller's eyes
            raise PolicyError(
                f"the sign-in service does not say enough about {name!r} for its groups", hint="ask an administrator"
            ) from error


def add_up(principal: Principal, roles: Sequence[Role]) -> Scope:
    """The Scope of `principal` with `roles`."""
    tables = {}
    for name in sorted({table for role in roles for table in role.tables}):
        given = [bound(role.tables[name], principal.attributes) for role in roles if name in role.tables]
        summed = _table(given)
        if summed.columns:
            tables[name] = summed
    ruled = [role for role in roles if role.follows and role.tags]
    free = frozenset(tag for role in roles if not role.follows for tag in role.tags)
    return Scope(
        principal,
        tables,
        frozenset(tag for role in roles for tag in role.tags),
        frozenset(action for role in roles for action in role.actions),
        follows=frozenset(entity for role in ruled for entity in role.follows),
        unconditional=free if ruled else frozenset(),
        tells_withheld=bool(roles) and all(role.withheld for role in roles),
    )


def bound(table: TableScope, attributes: Mapping[str, AttributeValue]) -> TableScope:
    """`table` with its row rule filled in; raises `PolicyError` for an attribute that is not there."""
    return TableScope(table.columns, bind(table.rows, attributes))


def _table(given: Sequence[TableScope]) -> TableScope:
    """Several roles' views of one table as one."""
    by_rows: dict[str, dict[str, Visibility]] = {}
    for table in given:
        columns = by_rows.setdefault(table.rows.strip(), {})
        columns.update({c: level for c, level in table.columns.items() if _LEVEL[level] > _LEVEL[columns.get(c)]})
    groups = [TableScope(columns, rows) for rows, columns in by_rows.items() if columns]
    kept = [one for one in groups if not any(_dominates(other, one) for other in groups if other is not one)]
    if not kept:
        return TableScope({})
    shared = set.intersection(*(set(group.columns) for group in kept))
    columns = {c: _strictest(group.columns[c] for group in kept) for c in sorted(shared)}
    rules = [group.rows for group in kept]
    if not all(rules):
        return TableScope(columns)
    return TableScope(columns, rules[0] if len(rules) == 1 else " OR ".join(f"({rule})" for rule in rules))


def _dominates(one: TableScope, other: TableScope) -> bool:
    """True when `one` shows every row, and every column at least as clearly, so that `other` adds nothing."""
    return not one.rows and all(_LEVEL[one.columns.get(c)] >= _LEVEL[v] for c, v in other.columns.items())


def _strictest(levels: Iterable[Visibility]) -> Visibility:
    return min(levels, key=lambda level: _LEVEL[level])
