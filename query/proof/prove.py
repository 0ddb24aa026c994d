"""The checker: every slot is compared with its source and every figure outside a slot is refused.

`Prover.prove` takes sentences and gives back those that hold; what does not hold is removed, visibly, with its reason.
`unproven_figures` checks finished text the same way, for evaluation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from index.catalogue.model import Catalogue
from index.documents import Passage
from index.sql import Value
from query.document_tables.arithmetic import numbers_in, worked_out
from query.document_tables.grid import figure
from query.evidence import Citation, CitationBook, EntityScore, Sentence, Slot, TableEvidence
from query.format import MONTHS, as_date, as_decimal, write, writes
from query.names import NameDictionary
from query.proof.provenance import bind, row_key, shape, sources_of

_NUMBER_WORDS = (  # "one" is left out: it is a pronoun more often than a count
    "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|"
    "nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|billion|dozen|percent"
)
_MONTHS = "|".join(m for m in MONTHS if m not in ("May", "March"))  # these two are words as well
_FIGURE = re.compile(rf"\d[\d.,:/]*\d|\d|[€$£¥%]|\b(?:{_MONTHS})\b|\b(?i:{_NUMBER_WORDS})\b")


class Rereader(Protocol):
    """Reads cited values from their tables again, to find what has changed since."""

    def values(self, citation: Citation) -> tuple[Value, ...]:
        """The values that the cited cell, row or aggregate holds now; empty when it is gone or hidden."""
        ...


@dataclass(frozen=True)
class Removed:
    """A sentence that did not hold, and why."""

    sentence: Sentence
    reason: str


@dataclass(frozen=True)
class Proof:
    """What holds, what was taken out, and what to tell the reader about it."""

    kept: tuple[Sentence, ...]
    removed: tuple[Removed, ...]

    @property
    def notices(self) -> tuple[str, ...]:
        """One notice a removed sentence, without repeating what it claimed."""
        return tuple(dict.fromkeys(f"A sentence was left out: {r.reason}." for r in self.removed))


@dataclass
class Prover:
    """Checks sentences against the evidence of one answer.

    `tables`, `passages` and `scores` are the evidence that was read. `document_text` gives a document's stored text
    (None when it is gone or hidden); without it the passages' own texts are compared. `rereader` reads tables again:
    always when `fresh`, else only for citations outside `tables`. `known` are names that may stand in slots only,
    `foreign` are names that may not stand anywhere (other accounts, in a draft). `stated` are phrases of the question
    or the plan (a period, a threshold) that sentences may repeat.
    """

    catalogue: Catalogue
    tables: Sequence[TableEvidence] = ()
    passages: Sequence[Passage] = ()
    scores: Sequence[EntityScore] = ()
    document_text: Callable[[str], str | None] | None = None
    rereader: Rereader | None = None
    fresh: bool = False
    known: NameDictionary | None = None
    foreign: NameDictionary | None = None
    stated: Sequence[str] = ()
    _cells: dict[tuple[str, str, str], list[Value]] | None = None
    _aggregates: dict[tuple[str, str], list[Value]] = field(default_factory=dict)

    def prove(self, sentences: Iterable[Sentence]) -> Proof:
        """The sentences that hold, in order, and those that do not with the first reason found."""
        kept, removed = [], []
        for sentence in sentences:
            reason = self.fault(sentence)
            if reason:
                removed.append(Removed(sentence, reason))
            else:
                kept.append(sentence)
        return Proof(tuple(kept), tuple(removed))

    def fault(self, sentence: Sentence) -> str:
        """Why a sentence does not hold; empty when it does."""
        fixed = " ".join(part if isinstance(part, str) else "\x00" for part in sentence.parts)
        if loose := loose_figures(fixed, self.stated):
            return f"{loose[0]!r} stands in it without a source"
        if self.known and (names := self.known.find(fixed)):
            return f"the name {names[0]!r} stands in it without a source"
        if self.foreign and (names := self.foreign.find(sentence.text())):
            return f"it names {names[0]!r}, which it is not about"
        for part in sentence.parts:
            if isinstance(part, Slot) and (reason := self.slot_fault(part)):
                return reason
        return ""

    def slot_fault(self, slot: Slot) -> str:
        """Why a slot does not hold: not what its source says, or not written as its value is; empty when it does."""
        citation = slot.citation
        if citation.kind == "passage":
            return self._passage_fault(slot)
        if not _same(slot.value, citation.value):
            return f"{slot.text!r} was not made from the value it cites"
        if slot.style and write(slot.value, slot.style) != slot.text:
            return f"{slot.text!r} does not write the value it cites"
        if not slot.style and not writes(slot.text, slot.value):
            return f"{slot.text!r} does not write the value it cites"
        return self._working_fault(slot) or self.citation_fault(citation)

    def _working_fault(self, slot: Slot) -> str:
        """Why figures that a value was worked out from do not stand where they are cited; empty when they do."""
        if not slot.operands:
            return ""
        for operand in slot.operands:
            if reason := self._quote_fault(operand):
                return reason
        held = {abs(n) for o in slot.operands if (n := figure(o.quote or "")) is not None}
        loose = [n for n in numbers_in(slot.citation.quote or "") if n not in held and n not in (1, 100, len(held))]
        loose = [n for n in loose if n != len(slot.operands)]
        return f"{slot.text!r} is worked out from {loose[0]}, which it does not cite" if loose else ""

    def citation_fault(self, citation: Citation) -> str:
        """Why a citation of a table, a score or a passage does not resolve to what it says; empty when it does."""
        if citation.kind == "passage":
            return self._quote_fault(citation)
        held = self._held(citation)
        if not held:
            return f"its source cannot be found ({_place(citation)})"
        if citation.kind != "row" and not any(_same(citation.value, value) for value in held):
            return f"its source says something else ({_place(citation)})"
        return ""

    def _passage_fault(self, slot: Slot) -> str:
        quote = _flat(slot.citation.quote or "")
        if not quote or _flat(slot.text) not in quote:
            return "a quotation is not in the passage it cites"
        return self._quote_fault(slot.citation)

    def _quote_fault(self, citation: Citation) -> str:
        if citation.doc_id is None or citation.start is None or citation.end is None or not citation.quote:
            return "a quotation does not say where it stands"
        text = self._document_slice(citation.doc_id, citation.start, citation.end)
        if text is None:
            return "a quoted document cannot be found"
        return "" if text == citation.quote else "a quotation is not what the document says there"

    def _document_slice(self, doc_id: str, start: int, end: int) -> str | None:
        if self.document_text is not None:
            text = self.document_text(doc_id)
            return None if text is None else text[start:end]
        for passage in self.passages:
            if passage.doc_id == doc_id and passage.start <= start and end <= passage.end:
                return passage.text[start - passage.start : end - passage.start]
        return None

    def _held(self, citation: Citation) -> Sequence[Value]:
        """The values that the citation's place holds; empty when there is no such place."""
        if citation.kind == "score":
            return self._score(citation)
        if citation.kind == "aggregate" and citation.doc_id is not None:
            value = worked_out(citation.quote or "")
            return () if value is None else (value,)
        if not self.fresh:
            found = self._read_already(citation)
            if found:
                return found
        return self.rereader.values(citation) if self.rereader else ()

    def _score(self, citation: Citation) -> Sequence[Value]:
        mine = [s for s in self.scores if s.score == citation.table]
        if citation.column == "count":
            return (len(mine),)
        return tuple(s.probability for s in mine if s.key == citation.key)

    def _read_already(self, citation: Citation) -> Sequence[Value]:
        if self._cells is None:
            self._index()
        cells = self._cells or {}
        if citation.kind == "aggregate":
            return self._aggregates.get((citation.sql or "", citation.column or ""), ())
        if citation.kind == "row":
            found = (v for (t, k, _), v in cells.items() if (t, k) == (citation.table, citation.key))
            return next(found, ())
        return cells.get((citation.table or "", citation.key or "", citation.column or ""), ())

    def _index(self) -> None:
        self._cells = {}
        for evidence in self.tables:
            sql = bind(evidence.text, dict(evidence.parameters))
            for name in evidence.rows.columns:
                self._aggregates.setdefault((sql, name), []).extend(evidence.column(name))
            total = evidence.total if evidence.rows.truncated else len(evidence.rows.rows)
            if total is not None:
                self._aggregates[(counted(sql), "count")] = [total]
            found = shape(evidence.text, self.catalogue)
            if found is None or len(found.origins) != len(evidence.rows.columns):
                continue
            for number, row in enumerate(evidence.rows.rows):
                for at, origin in enumerate(found.origins):
                    if origin and (key := row_key(evidence, found, origin.table, number)) is not None:
                        self._cells.setdefault((origin.table, key, origin.column), []).append(row[at])


def counted(sql: str) -> str:
    """The query that counts the rows of `sql`."""
    return f"SELECT COUNT(*) AS count FROM ({sql}) AS counted"


def cite_count(evidence: TableEvidence, catalogue: Catalogue, book: CitationBook) -> Slot:
    """A slot that says how many rows a result has; of one that was cut off, `total` must be known."""
    count = len(evidence.rows.rows) if evidence.total is None else evidence.total
    sql = counted(bind(evidence.text, dict(evidence.parameters)))
    sources = sources_of(evidence.tables, catalogue)
    citation = book.cite("aggregate", sources, sql=sql, row_count=1, column="count", value=count)
    return Slot(write(count, "int"), count, citation, "int")


def loose_figures(text: str, stated: Sequence[str] = ()) -> tuple[str, ...]:
    """Figures, amounts and months in fixed words, after taking out the phrases that may be repeated."""
    for phrase in sorted((p for p in stated if p), key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(phrase)}(?!\w)", " ", text)
    return tuple(match.group() for match in _FIGURE.finditer(text))


_MARKS = re.compile(r"\[\d+\](?:\([^)]*\))?|!\[[^\]]*\]\([^)]*\)|^\s*\d+[.)]\s", re.MULTILINE)
_TOKENS = re.compile(
    rf"\d{{4}}-\d\d-\d\d|\d{{1,2}} (?:{'|'.join(MONTHS)})(?: \d{{4}})?|[-−]?\d+(?:,\d{{3}})*(?:\.\d+)?\s?%?"
)


def unproven_figures(
    text: str, citations: Iterable[Citation | Mapping[str, object]], stated: Sequence[str] = ()
) -> tuple[str, ...]:
    """The figures and dates of a finished text (Markdown, with [n] marks) that no cited value and no quotation holds.

    Citations may be values or their wire form. `stated` are texts whose figures may be repeated (the question).
    """
    values: list[Value] = []
    quotes: list[str] = [*stated]
    for citation in citations:
        get = citation.get if isinstance(citation, Mapping) else lambda name, c=citation: getattr(c, name)
        values.append(get("value"))  # type: ignore[arg-type]
        quotes += [str(part) for part in (get("quote"), get("key")) if part]
    texts = [v for v in values if isinstance(v, str) and as_date(v) is None] + quotes
    left = _MARKS.sub(" ", text)
    for known in sorted(set(texts), key=len, reverse=True):
        if any(c.isdigit() for c in known) and any(c.isalpha() for c in known):
            for form in dict.fromkeys((known, _flat(known))):
                left = re.sub(rf"(?<![\w.,]){re.escape(form)}(?!\w|[.,]\d)", " ", left)
    quoted = {token.strip() for known in texts for token in _TOKENS.findall(known)}
    figures = [v for v in values if as_decimal(v) is not None or as_date(v) is not None]
    tokens = dict.fromkeys(match.group().strip() for match in _TOKENS.finditer(left))
    return tuple(t for t in tokens if t not in quoted and not any(writes(t, value) for value in figures))


def _flat(text: str) -> str:
    return " ".join(text.split())


def _same(one: Value, other: Value) -> bool:
    left, right = as_decimal(one), as_decimal(other)
    if left is not None and right is not None:
        return left == right or abs(left - right) <= abs(left) * Decimal("1e-12")
    if as_date(one) is not None and as_date(other) is not None:
        return str(one)[:10] == str(other)[:10]
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _place(citation: Citation) -> str:
    if citation.kind == "aggregate":
        return f"a query's column {citation.column}"
    return ".".join(part for part in (citation.table, citation.column) if part)
