"""A mapping of the catalogue's YAML with its path: reads typed values and raises errors that name the place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from index.errors import CatalogueError


class Node:
    """One mapping at `path` of the file `where`. Every key must be taken; `done` complains about the rest."""

    def __init__(self, value: object, path: str, where: str) -> None:
        self.path = path
        self.where = where
        if not isinstance(value, Mapping):
            raise CatalogueError(f"{where}: {path or 'the file'} must be a mapping, not {_kind(value)}")
        for key in value:
            if not isinstance(key, str):
                raise CatalogueError(
                    f"{where}: {self.place(str(key))} is a {_kind(key)}, not a name", hint="put the name in quotes"
                )
        self._values = dict(value)
        self._known: list[str] = []

    def place(self, key: str) -> str:
        """The path of a key below this mapping."""
        return f"{self.path}.{key}" if self.path else key

    def take(self, key: str) -> Any:
        """The raw value of `key`, or None."""
        self._known.append(key)
        return self._values.get(key)

    def text(self, key: str) -> str:
        """A text, "" when absent."""
        value = self.take(key)
        if value is None:
            return ""
        if isinstance(value, bool | Mapping | list):
            raise fail(self, key, f"must be text, not {_kind(value)}", hint="put it in quotes")
        return str(value).strip()

    def required(self, key: str) -> str:
        """A text that must be there."""
        value = self.text(key)
        if not value:
            raise fail(self, key, "is missing")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; a single text counts as a list of one."""
        return self._list(key, self.take(key))

    def choice(self, key: str, allowed: Sequence[str], default: str = "") -> str:
        """One of `allowed`."""
        value = self.text(key) or default
        if value not in allowed:
            said = f"{value!r} is not one of" if value else "is missing; it is one of"
            raise fail(self, key, f"{said} {', '.join(allowed)}", hint=_near(value, allowed))
        return value

    def flag(self, key: str) -> bool:
        """True or false, false when absent."""
        value = self.take(key)
        if value is not None and not isinstance(value, bool):
            raise fail(self, key, f"must be true or false, not {value!r}")
        return bool(value)

    def integer(self, key: str, default: int, *, low: int | None = None, high: int | None = None) -> int:
        """A whole number within `low` and `high`."""
        value = self.take(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int):
            raise fail(self, key, f"must be a whole number, not {value!r}")
        return int(self._within(key, value, low, high))

    def number(self, key: str, default: float, *, low: float | None = None, high: float | None = None) -> float:
        """A number within `low` and `high`."""
        value = self.take(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise fail(self, key, f"must be a number, not {value!r}")
        return float(self._within(key, value, low, high))

    def bound(self, key: str) -> float | str | None:
        """A number or a text (a date), or None."""
        value = self.take(key)
        if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
            return value
        if isinstance(value, bool | Mapping | list):
            raise fail(self, key, f"must be a number or a date, not {_kind(value)}")
        return str(value)

    def text_mapping(self, key: str) -> dict[str, str]:
        """A mapping of texts to texts."""
        value = self.take(key)
        child = Node({} if value is None else value, self.place(key), self.where)
        return {name: child.text(name) for name in child}

    def list_mapping(self, key: str) -> dict[str, tuple[str, ...]]:
        """A mapping of texts to lists of texts."""
        value = self.take(key)
        child = Node({} if value is None else value, self.place(key), self.where)
        return {name: child.texts(name) for name in child}

    def children(self, key: str, *, shorthand: str = "") -> Iterator[tuple[str, Node]]:
        """The mappings below `key` by name; a plain text below it stands for `{shorthand: text}`."""
        value = self.take(key)
        parent = Node({} if value is None else value, self.place(key), self.where)
        for name in parent:
            item = parent._values[name]
            if shorthand and isinstance(item, str):
                item = {shorthand: item}
            yield name, Node(item, parent.place(name), self.where)

    def child(self, key: str) -> Node | None:
        """The mapping at `key`; None where there is none."""
        value = self.take(key)
        return None if value is None else Node(value, self.place(key), self.where)

    def items(self, key: str) -> Iterator[Node]:
        """The mappings of the list at `key`."""
        value = self.take(key)
        if value is not None and not isinstance(value, list):
            raise fail(self, key, f"must be a list, not {_kind(value)}")
        for at, item in enumerate(value or []):
            yield Node(item, f"{self.place(key)}[{at}]", self.where)

    def done(self) -> None:
        """Raise when the mapping holds a key that nobody took."""
        for key in self._values:
            if key not in self._known:
                raise fail(self, key, f"is not known; {', '.join(self._known)} are", hint=_near(key, self._known))

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def _list(self, key: str, value: object) -> tuple[str, ...]:
        if value is None:
            return ()
        items = value if isinstance(value, list) else [value]
        for item in items:
            if item is None or isinstance(item, bool | Mapping | list):
                raise fail(self, key, f"must be a list of texts; {item!r} is not one", hint="put it in quotes")
        return tuple(str(item) for item in items)

    def _within(self, key: str, value: float, low: float | None, high: float | None) -> float:
        if (low is not None and value < low) or (high is not None and value > high):
            span = f"at least {low:g}" if high is None else f"between {low:g} and {high:g}"
            raise fail(self, key, f"{value!r} must be {span}")
        return value


def fail(node: Node, key: str, message: str, *, hint: str = "") -> CatalogueError:
    """The error for `key` of `node`."""
    return CatalogueError(f"{node.where}: {node.place(key)}: {message}", hint=hint)


def near(name: str, among: Iterable[str]) -> str:
    """A hint with the closest of `among`, or ""."""
    return _near(name, list(among))


def _near(name: str, among: Sequence[str]) -> str:
    from rapidfuzz import process

    best = process.extractOne(name, among, score_cutoff=60, processor=str.lower) if name else None
    return f"did you mean {best[0]!r}?" if best else ""


def _kind(value: object) -> str:
    names = {dict: "mapping", list: "list", str: "text", bool: "true/false value", type(None): "nothing"}
    return names.get(type(value), type(value).__name__)
