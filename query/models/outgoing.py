"""What leaves for a model about one question: masked before it goes, and recorded as it went."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from index.masking import Masker
from index.masking.known import KnownPersons
from query.models.budget import spend
from query.models.model import Message
from query.plan import Egress


@dataclass
class Outgoing:
    """Texts for one model. `mask` puts pseudonyms for personal data, `sent` counts what goes, `put_back` restores.

    `persons` are the names that are known; what has a form of its own (addresses of mail, cards, telephone numbers) is
    found without them.
    """

    persons: KnownPersons | None = None
    fields: dict[str, None] = field(default_factory=dict)
    characters: int = 0
    masked: int = 0
    _mapping: dict[str, str] = field(default_factory=dict)
    _masker: Masker | None = None

    def mask(self, name: str, text: str) -> str:
        """`text` as it may leave; `name` says what it is, for the record."""
        if not text:
            return text
        self._masker = self._masker or Masker(self.persons, guess_names=False)
        found = self._masker.mask(text)
        self.fields[name] = None
        self.masked += len(found.spans)
        self._mapping.update(found.mapping)
        return found.text

    def sent(self, messages: Iterable[Message]) -> None:
        """Note that `messages` leave. Raises `LimitError` where the question's budget does not let them."""
        leaving = sum(len(m.text) for m in messages)
        spend(leaving)
        self.characters += leaving

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
    return KnownPersons(both, one.numbers | more.numbers)
