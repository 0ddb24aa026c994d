"""Evidence to sentences: what the answer says, as fixed words and slots, before the checker sees it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from index.catalogue.model import Catalogue, Score
from index.documents import Passage
from query.evidence import CitationBook, Sentence, Slot, TableEvidence
from query.execute import Findings, Item
from query.format import auto, is_currency, write
from query.plan import Plan, Reading, SqlStep
from query.proof.prove import cite_count
from query.proof.provenance import cite, column_of
from query.scoring.next_steps import NextStep

SHOWN_ROWS = 20
FACT_ROWS = 3


_FIRST = re.compile(r"ordered by (?P<by>[^,]+), (?:highest|lowest) first, the first (?P<count>\d+)")


@dataclass(frozen=True)
class Composer:
    """Writes the sentences of one answer; citations are numbered in `book` as they are used."""

    catalogue: Catalogue
    book: CitationBook

    # --- tables --------------------------------------------------------------------------------------------------

    def table(self, evidence: TableEvidence, reading: Reading) -> tuple[Sentence, ...]:
        """A result set: a sentence for one value or one row, a table for more, a plain "none" for nothing."""
        rows = evidence.rows
        alone = len(rows.rows) <= 1 and len(rows.columns) == 1
        title = said_of(reading) if alone else title_of(reading)
        if not rows.rows or all(v is None for row in rows.rows for v in row):
            return (self._nothing(evidence, title),)
        if len(rows.rows) == 1 and len(rows.columns) == 1:
            return (Sentence((f"{title}: ", self.slot(evidence, 0, rows.columns[0], reading), ".")),)
        if len(rows.rows) == 1:
            return (Sentence((f"{title}: ", *self._row_parts(evidence, 0, reading), ".")),)
        return self._table(evidence, reading, title)

    def _nothing(self, evidence: TableEvidence, title: str) -> Sentence:
        if evidence.rows.rows:
            return Sentence((f"{title}: the records that match hold no value.",))
        return Sentence((f"{title}: ", cite_count(evidence, self.catalogue, self.book), " matching records."))

    def _row_parts(self, evidence: TableEvidence, row: int, reading: Reading) -> list[str | Slot]:
        parts: list[str | Slot] = []
        for column, value in zip(evidence.rows.columns, evidence.rows.rows[row], strict=True):
            if value is None:
                continue
            parts += [", " if parts else "", f"{heading(column)} ", self.slot(evidence, row, column, reading)]
        return parts

    def _table(self, evidence: TableEvidence, reading: Reading, title: str) -> tuple[Sentence, ...]:
        rows = evidence.rows
        shown = min(len(rows.rows), SHOWN_ROWS)
        more = "the first of them:" if len(rows.rows) > shown or rows.truncated else ""
        count: tuple[str | Slot, ...] = (
            ("more rows than are shown; ",)
            if rows.truncated and evidence.total is None
            else (cite_count(evidence, self.catalogue, self.book), " rows; ")
        )
        lead = Sentence((f"{title}: ", *count, more)) if more else Sentence((f"{title}: ", *count[:-1], " rows."))
        out = [lead, Sentence(("| " + " | ".join(heading(c) for c in rows.columns) + " | |",), "header")]
        for at in range(shown):
            parts: list[str | Slot] = ["| "]
            for column, value in zip(rows.columns, rows.rows[at], strict=True):
                parts += [self.slot(evidence, at, column, reading) if value is not None else "–", " | "]
            out.append(Sentence(tuple(parts), "row"))
        return tuple(out)

    def slot(self, evidence: TableEvidence, row: int, column: str, reading: Reading | None = None) -> Slot:
        """The slot of one value of a result, written by the unit of its column or metric."""
        value = evidence.rows.rows[row][evidence.rows.columns.index(column)]
        citation = cite(evidence, row, column, self.catalogue, self.book)
        unit = self.unit(evidence, column)
        if isinstance(value, float | int) and not isinstance(value, bool) and _is_year(column, value):
            return Slot(str(int(value)), value, citation)
        if unit and is_currency(unit):
            return Slot(write(value, f"money:{unit}"), value, citation, f"money:{unit}")
        return Slot(auto(value, unit) or str(value), value, citation)

    def unit(self, evidence: TableEvidence, column: str) -> str:
        """The unit of a result's column: of the base column it shows, the metric it is called after, or none."""
        found = column_of(evidence, column, self.catalogue)
        if found is not None:
            return found.unit
        wanted = column.lower().replace(" ", "_")
        for metric in self.catalogue.metrics:
            if metric.name.lower() in wanted or wanted in {s.lower().replace(" ", "_") for s in metric.synonyms}:
                return metric.unit
        base = re.sub(r"^(?:sum|avg|average|min|max|total|lowest|highest)_(?:of_)?", "", wanted)
        for name in evidence.tables:
            table = self.catalogue.table(name)
            source = table.column(base) if table else None
            if source is not None and base != wanted:
                return source.unit
        return ""

    def fact(self, label: str, evidence: TableEvidence) -> tuple[Sentence, ...]:
        """A fact about an entity, a line a row, without keys added for citing, pictures and empty cells."""
        told = []
        for row in range(min(len(evidence.rows.rows), FACT_ROWS)):
            parts: list[str | Slot] = [f"{label}: "]
            for column, value in zip(evidence.rows.columns, evidence.rows.rows[row], strict=True):
                base = column_of(evidence, column, self.catalogue)
                if value is None or value == "" or "__" in column or (base and base.role == "image"):
                    continue
                parts += [", " if len(parts) > 1 else "", f"{heading(column)} ", self.slot(evidence, row, column)]
            if len(parts) > 1:
                told.append(Sentence(tuple(parts), "subbullet"))
        return tuple(told)

    def trend(self, evidence: dict[str, TableEvidence], plan: Plan) -> tuple[Sentence, ...]:
        """A series told in sentences: its total against the period before, its highest and lowest point."""
        series = evidence["series"]
        reading = next(s.reading for s in plan.steps if isinstance(s, SqlStep) and s.id == "series")
        told = self._totals(evidence, reading)
        told += self._extremes(series, reading)
        return (*told, *self._table(series, reading, title_of(reading)))

    def _totals(self, evidence: dict[str, TableEvidence], reading: Reading) -> list[Sentence]:
        """The total of the period, and how it stands against the period before."""
        total, before = (_single(evidence.get(name)) for name in ("total", "before"))
        if total is None:
            return []
        parts: list[str | Slot] = ["In total ", self._only(evidence["total"], reading)]
        change = _single(evidence.get("change"))
        if before is not None and change is not None:
            held = evidence["change"]
            citation = cite(held, 0, held.rows.columns[0], self.catalogue, self.book)
            said = Slot(write(change, "points:1"), change, citation, "points:1")
            parts += [
                ", a change of ",
                said,
                " from ",
                self._only(evidence["before"], reading),
                " in the period before",
            ]
        return [Sentence((*parts, "."))]

    def _only(self, evidence: TableEvidence, reading: Reading) -> Slot:
        return self.slot(evidence, 0, evidence.rows.columns[0], reading)

    def _extremes(self, series: TableEvidence, reading: Reading) -> list[Sentence]:
        x, y = reading.x, reading.y[0] if reading.y else None
        if x not in series.rows.columns or y not in series.rows.columns or len(series.rows.rows) < 2:
            return []
        assert x is not None and y is not None
        values = [(v, at) for at, v in enumerate(series.column(y)) if isinstance(v, int | float)]
        if len(values) < 2:
            return []
        told = []
        for word, (_, at) in (("highest", max(values)), ("lowest", min(values))):
            told.append(Sentence((f"The {word} point was ", self.slot(series, at, y, reading), " in ",
                                  self.slot(series, at, x, reading), ".")))  # fmt: skip
        first, last = values[0][0], values[-1][0]
        word = "rose" if last > first else "fell" if last < first else "ended where it began"
        told.append(Sentence((f"Over the period it {word}, from ", self.slot(series, values[0][1], y, reading), " to ",
                              self.slot(series, values[-1][1], y, reading), ".")))  # fmt: skip
        return told

    # --- passages ------------------------------------------------------------------------------------------------

    def quote(self, passage: Passage, start: int, end: int) -> Slot:
        """A slot that quotes characters `start` to `end` of the passage's document."""
        text = passage.text[start - passage.start : end - passage.start]
        citation = self.book.cite("passage", passage.source, doc_id=passage.doc_id, start=start, end=end, quote=text)
        return Slot(" ".join(text.split()), text, citation)

    # --- entities ------------------------------------------------------------------------------------------------

    def name(self, item: Item, evidence: TableEvidence, name_column: str) -> Slot | str:
        """The slot of an entity's name, cited from the row that gave it."""
        if evidence.key_column is None or name_column not in evidence.rows.columns:
            return item.name
        keys = [str(k) for k in evidence.column(evidence.key_column)]
        return self.slot(evidence, keys.index(item.key), name_column)

    def count_of_scores(self, score: Score, count: int) -> Slot:
        """The slot of how many entities of a scored list there are."""
        citation = self.book.cite("score", "model", table=score.name, column="count", value=count)
        return Slot(write(count, "int"), count, citation, "int")

    def step(self, step: NextStep) -> Slot:
        """The slot of a next step, quoted from its playbook."""
        return self.quote(step.passage, step.start, step.end)


def scored_lead(found: Findings, composer: Composer, score: Score, population: Reading | None) -> Sentence:
    """The opening sentence of a scored list: how many, of whom, and what made the cut."""
    step = found.scores
    assert step is not None
    label = score.label.lower()
    said = population.explanation if population else ""
    _, where, conditions = said.partition(" where ")
    conditions = conditions.partition(", ordered by")[0].partition(", for each")[0]
    whom = f" where {conditions}" if where else ""
    if ranked := _FIRST.search(said):
        whom = f" among the first {ranked['count']} by {ranked['by']}{whom}"
    cut = [f"a {label} at or above its threshold"] if step.at_risk else []
    if step.due_text:
        cut.append(f"a {due_label(score, composer.catalogue)} that falls in {_the(step.due_text)}")
    said = " and ".join(cut)
    if not found.items:
        return Sentence((f"No {score.entity}{whom} has {said or f'a {label}'}.",))
    count = composer.count_of_scores(score, len(found.items))
    many = len(found.items) != 1
    if said:
        return Sentence((count, f" {score.entity}{'s' if many else ''}{whom} {'have' if many else 'has'} {said}:"))
    return Sentence((count, f" {score.entity}{'s' if many else ''}{whom}, by {label}:"))


def _the(period: str) -> str:
    """ "next 60 days" with its article; "this quarter" has none."""
    return f"the {period}" if period.startswith(("next ", "last ")) and re.search(r"\d", period) else period


def due_label(score: Score, catalogue: Catalogue) -> str:
    """What the due date of a score is called."""
    table, _, column = score.due.partition(".")
    found = catalogue.table(table)
    held = found.column(column) if found else None
    return held.label.lower() if held else "due date"


def _single(evidence: TableEvidence | None) -> float | None:
    if evidence is None or len(evidence.rows.rows) != 1 or len(evidence.rows.columns) != 1:
        return None
    value = evidence.rows.rows[0][0]
    return float(value) if isinstance(value, int | float) else None


def said_of(reading: Reading) -> str:
    """What a single value is, with the conditions it stands under; without them where they hold a figure, which no
    citation would prove (a period is in the question and in the query)."""
    said = title_of(replace(reading, title=""))
    return title_of(reading) if any(c.isdigit() for c in said) else said


def title_of(reading: Reading) -> str:
    """What a result is called: its title, else what its reading says."""
    text = (reading.title or reading.explanation or "result").strip().rstrip(".:?")
    return text[:1].upper() + text[1:]


def heading(column: str) -> str:
    """How the name of a result's column is written."""
    return column.replace("_", " ").strip()


def _is_year(column: str, value: float) -> bool:
    return "year" in column.lower() and float(value).is_integer() and 1000 <= value <= 9999
