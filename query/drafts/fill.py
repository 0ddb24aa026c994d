"""Filling templates: slot references become cited slots, or nothing, and sentences that lack something drop out."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from index.catalogue.model import Catalogue
from index.scope import Scope
from index.sql import Value
from query.drafts.template import BlockTemplate, SentenceTemplate, SlotRef
from query.evidence import CitationBook, Sentence, Slot, TableEvidence
from query.format import as_date, as_decimal, is_currency, write
from query.proof.provenance import cite, column_of, shape

MOST_LISTED = 3
AND = {"de": " und ", "fr": " et "}
LONGEST_TEXT = 110
"""Longer free text is not put into a sentence."""
_UNFIT = re.compile(
    r"https?://|www\.|\S+@\S+|[<>{}\[\]]|\bignore\b.{0,40}\b(?:instructions?|rules?)\b|"
    r"\bsystem prompt\b|\bassistant\b|\bAI\b",
    re.IGNORECASE,
)


@dataclass
class Filler:
    """Fills the slots of one draft from the facts of one entity; `extra` are slots made elsewhere, by place."""

    facts: Mapping[str, TableEvidence]
    catalogue: Catalogue
    scope: Scope
    book: CitationBook
    seed: str
    language: str = "en"
    extra: dict[tuple[str, str], Sentence] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    _fact_of: dict[int, str] = field(default_factory=dict)

    def choose(self, block: BlockTemplate) -> tuple[Sentence, ...]:
        """The sentences of the alternative that the facts fill best; among equals the entity's key decides."""
        filled: list[tuple[tuple[float, bool], tuple[Sentence, ...]]] = []
        for alternative in block.alternatives:
            sentences = self.sentences(alternative)
            cited = any(isinstance(part, Slot) for sentence in sentences for part in sentence.parts)
            hollow = not cited and any(isinstance(p, SlotRef) for sentence in alternative for p in sentence.parts)
            if sentences and not hollow:  # what is left of a wording that lost all its facts says nothing
                filled.append(((len(sentences) / len(alternative), cited), sentences))
        if not filled:
            return ()
        best = max(rank for rank, _ in filled)
        equals = [sentences for rank, sentences in filled if rank == best]
        digest = hashlib.sha256(f"{self.seed}|{block.kind}|{block.argument}".encode()).digest()
        return equals[digest[0] % len(equals)]

    def sentences(self, templates: Sequence[SentenceTemplate]) -> tuple[Sentence, ...]:
        """The sentences whose slots and conditions all hold; words that followed on a lost sentence go with it."""
        made: list[Sentence] = []
        dangling = False
        for template in templates:
            sentence = self.sentence(template)
            bare = all(isinstance(part, str) for part in template.parts)
            if sentence is None:
                dangling = not any(isinstance(part, Slot) for s in made for part in s.parts)
            elif not (bare and dangling):
                made.append(sentence)
                dangling = dangling and bare
        return tuple(made)

    def sentence(self, template: SentenceTemplate) -> Sentence | None:
        """One sentence, or None when a slot of it finds nothing or a condition fails."""
        parts: list[str | Slot] = []
        for part in template.parts:
            if isinstance(part, str):
                parts.append(part)
            elif part.test:
                if not self._holds(part):
                    return None
            else:
                found = self.slot(part)
                if not found:
                    return None
                parts += found
        return Sentence(tidy(parts))

    def slot(self, reference: SlotRef) -> tuple[str | Slot, ...]:
        """What a slot reference prints: one slot, a list of slots with words between, or nothing."""
        for place in reference.places:
            if place in self.extra:
                return self.extra[place].parts
            fact, column = place
            if reference.style.startswith("list"):
                listed = self._list(fact, column)
                if listed:
                    return listed
                continue
            slot = self._cell(fact, column, self.rows.get(fact, 0), reference.style)
            if slot is not None:
                return (slot,)
        return ()

    def _list(self, fact: str, column: str) -> tuple[str | Slot, ...]:
        count = len(self.facts[fact].rows.rows) if fact in self.facts else 0
        cells = [self._cell(fact, column, row, "text") for row in range(min(count, MOST_LISTED))]
        slots = list({s.text: s for s in cells if s is not None}.values())
        parts: list[str | Slot] = []
        for at, slot in enumerate(slots):
            parts += [] if at == 0 else [AND.get(self.language, " and ") if at == len(slots) - 1 else ", "]
            parts.append(slot)
        return tuple(parts)

    def slot_of(self, fact: str, column: str, *, free: bool = False) -> Slot | None:
        """The slot of one value in its plain style; `free` lets through what sentences do not take (addresses)."""
        return self._cell(fact, column, 0, "auto", free=free)

    def _cell(self, fact: str, column: str, row: int, style: str, *, free: bool = False) -> Slot | None:
        column, row = self._row_of(column, row)
        value = self._value(fact, column, row)
        if value is None or (isinstance(value, str) and not free and not fit(value)):
            return None
        evidence = self.facts[fact]
        style = self._style(evidence, column, style) + ("" if self.language == "en" else f"@{self.language}")
        text = write(value, style)
        if not text:
            return None
        citation = cite(evidence, row, column, self.catalogue, self.book)
        self._fact_of.setdefault(citation.n, "" if fact == "row" else fact)
        return Slot(text, value, citation, style)

    def facts_of(self, sentences: Iterable[Sentence]) -> tuple[str, ...]:
        """The names of the facts that `sentences` cite, each once, in order; people (contact, owner) do not count."""
        cited = (c.n for sentence in sentences for c in sentence.citations())
        names = dict.fromkeys(self._fact_of[n] for n in cited if n in self._fact_of)
        return tuple(name for name in names if name not in ("", "contact", "owner"))

    @staticmethod
    def _row_of(column: str, row: int) -> tuple[str, int]:
        """`2.subject` is the column `subject` of the third row."""
        number, _, rest = column.partition(".")
        return (rest, int(number)) if rest and number.isdigit() else (column, row)

    def _value(self, fact: str, column: str, row: int) -> Value:
        evidence = self.facts.get(fact)
        if evidence is None or column not in evidence.rows.columns or row >= len(evidence.rows.rows):
            return None
        if self._masked(evidence, column):
            return None
        return evidence.rows.rows[row][evidence.rows.columns.index(column)]

    def _masked(self, evidence: TableEvidence, column: str) -> bool:
        """True when the asker sees the column only masked; a mask is no text for a letter."""
        found = shape(evidence.text, self.catalogue)
        origin = found.origins[found.names.index(column)] if found and column in found.names else None
        if origin is None:
            return any("masked" in t.columns.values() for n, t in self.scope.tables.items() if n in evidence.tables)
        shown = self.scope.tables.get(origin.table)
        return shown is None or shown.columns.get(origin.column) != "visible"

    def _style(self, evidence: TableEvidence, column: str, style: str) -> str:
        """`money` and `auto` with the unit of the column, where it has one."""
        if style not in ("money", "auto"):
            return style
        found = column_of(evidence, column, self.catalogue)
        unit = found.unit if found else ""
        if style == "auto":
            return f"auto:{unit}" if unit else "auto"
        currency = unit if is_currency(unit) else self.catalogue.currency
        return f"money:{currency}" if currency else "money"

    def _holds(self, part: SlotRef) -> bool:
        values = [self._place_value(place) for place in part.places]
        if part.test == "!":
            return values[0] is None
        if part.test == "?":
            return values[0] is not None and values[0] is not False
        if part.test in ("=", "!="):
            return None not in values and (values[0] == values[1]) == (part.test == "=")
        left, right = as_decimal(values[0]), as_decimal(values[1])
        if left is None or right is None:
            return False
        return left < right if part.test == "<" else left > right

    def _place_value(self, place: tuple[str, str]) -> Value:
        if place in self.extra:
            return self.extra[place].text()
        column, row = self._row_of(place[1], self.rows.get(place[0], 0))
        return self._value(place[0], column, row)


def fit(text: str) -> bool:
    """False for free text that has no place in a letter: long, with links or addresses, or speaking to an assistant."""
    return 0 < len(text.strip()) <= LONGEST_TEXT and (as_date(text) is not None or not _UNFIT.search(text))


def tidy(parts: Sequence[str | Slot]) -> tuple[str | Slot, ...]:
    """Join neighbouring words, drop empty ones, and settle `(s)` by the number before it."""
    done: list[str | Slot] = []
    number: Value = None
    for part in parts:
        if isinstance(part, Slot):
            number = part.value
            done.append(part)
            continue
        exact = as_decimal(number)
        text = part.replace("(s)", "" if exact == 1 else "s")
        if text and done and isinstance(done[-1], str):
            done[-1] = done[-1] + text
        elif text:
            done.append(text)
    return tuple(done)
