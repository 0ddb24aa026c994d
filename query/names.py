"""A dictionary of names, to find the ones that stand in a text; fast enough for every name a company holds."""

from __future__ import annotations

import re
from collections.abc import Iterable

_WORD = re.compile(r"\w+", re.UNICODE)


class NameDictionary:
    """Finds known names in texts: whole words, case as given, longest first."""

    def __init__(self, names: Iterable[str]) -> None:
        self._by_first: dict[str, list[str]] = {}
        for name in {" ".join(n.split()) for n in names if n and n.strip()}:
            if word := _WORD.search(name):
                self._by_first.setdefault(word.group(), []).append(name)
        for listed in self._by_first.values():
            listed.sort(key=len, reverse=True)

    def without(self, *own: str) -> NameDictionary:
        """The same dictionary without some names."""
        left = {" ".join(n.split()) for n in own}
        copy = NameDictionary(())
        copy._by_first = dict(self._by_first)
        for name in left:
            if (word := _WORD.search(name)) and word.group() in copy._by_first:
                copy._by_first[word.group()] = [n for n in copy._by_first[word.group()] if n != name]
        return copy

    def find(self, text: str) -> tuple[str, ...]:
        """The names that stand in `text`, each once, in order of appearance."""
        flat = " ".join(text.split())
        found: dict[str, None] = {}
        end = 0
        for match in _WORD.finditer(flat):
            if match.start() < end:
                continue
            for name in self._by_first.get(match.group(), ()):
                head = _WORD.search(name)
                start = match.start() - (head.start() if head else 0)
                stop = start + len(name)
                if start >= 0 and flat.startswith(name, start) and not _WORD.match(flat, stop):
                    found[name] = None
                    end = stop
                    break
        return tuple(found)
