"""What leaves for a model about one question: masked before it goes, and recorded as it went."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from index.masking import Masker
from index.masking.known import KnownPersons
from query.models.budget import spend
from query.models.model import Message
from query.plan import Egress

_LEGEND = "What may be said of those whom angle brackets stand for:"


@dataclass
class Outgoing:
    """Texts for one model. `mask` puts pseudonyms for personal data, `sent` counts what goes, `put_back` restores.

    `persons` are the names that are known; what has a form of its own (addresses of mail, cards, telephone numbers) is
    found without them. `told` are those of them that the asker may know of: the record counts no others, and counts
    characters as if nothing were masked, so that it does not tell whom else the workspace knows. `about` gives what may
    be told of the bearer of a name.
    """

    persons: KnownPersons | None = None
    told: KnownPersons | None = None
    about: Callable[[str], str] | None = None
    fields: dict[str, None] = field(default_factory=dict)
    characters: int = 0
    masked: int = 0
    _mapping: dict[str, str] = field(default_factory=dict)
    _masker: Masker | None = None
    _legend: str = ""

    def mask(self, name: str, text: str) -> str:
        """`text` as it may leave; `name` says what it is, for the record."""
        if not text:
            return text
        self._masker = self._masker or Masker(self.persons, guess_names=False)
        found = self._masker.mask(text)
        self.fields[name] = None
        self.masked += len(Masker(self.told, guess_names=False).find(text))
        self._mapping.update(found.mapping)
        return found.text

    def legend(self) -> str:
        """A paragraph to append: what may be told of those whom the pseudonyms so far stand for, one a line. The record
        notes it as a field, and does not count it."""
        if self.about is None:
            return ""
        self.fields["attributes"] = None
        said = {pseudonym: self.about(value) for pseudonym, value in self._mapping.items()}
        lines = [f"{pseudonym}: {about}" for pseudonym, about in said.items() if about]
        self._legend = "\n\n" + "\n".join([_LEGEND, *lines]) if lines else ""
        return self._legend

    def sent(self, messages: Iterable[Message]) -> None:
        """Note that `messages` leave. Raises `LimitError` where the question's budget does not let them."""
        leaving = sum(self._length(m.text) for m in messages)
        spend(leaving)
        self.characters += leaving

    def _length(self, text: str) -> int:
        """Characters of `text` as it was before anything was masked, which do not depend on who is known."""
        given = text.replace(self._legend, "") if self._legend else text
        return len(self.put_back(given))

    def put_back(self, text: str, quote: str = "") -> str:
        """`text` with what the pseudonyms stand for; a `quote` inside a value is doubled, for SQL literals."""
        for pseudonym, value in self._mapping.items():
            text = text.replace(pseudonym, value.replace(quote, quote * 2) if quote else value)
        return text

    def record(self, model: str) -> tuple[Egress, ...]:
        """What left, for the answer; nothing where nothing did."""
        if not self.characters:
            return ()
        return (Egress(model, tuple(self.fields), self.characters, self.masked),)


def joined(one: KnownPersons | None, names: Iterable[str]) -> KnownPersons:
    """The persons of `one`, and `names`."""
    more = KnownPersons.of(names)
    if one is None:
        return more
    both = dict(one.names)
    for first, forms in more.names.items():
        both[first] = tuple(sorted({*both.get(first, ()), *forms}, key=len, reverse=True))
    return KnownPersons(both, one.numbers | more.numbers, one.kinds)
