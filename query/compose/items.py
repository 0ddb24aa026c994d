"""Entities of an answer told one by one: the score, its reasons, what to do, what was said."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from index.catalogue.model import Catalogue, Score
from index.documents import Passage
from index.search.quotes import Quote
from query.answer import DriverView, ItemView, NextStepView
from query.compose.sentences import Composer, due_label
from query.evidence import Citation, Contribution, Sentence, Slot, TableEvidence
from query.execute import Item
from query.scoring import cited_reason, cited_rows, due_row, score_slot
from query.scoring.next_steps import NextStep, StepFinder, strongest
from query.scoring.stated import contradicting_row

REASONS = 3  # of a score that are told; all of them are in the item
STEPS = 2
RAISES = 0.05  # logit from which a contribution counts as a reason


@dataclass
class ItemNote:
    """What is told of one item, with the citations that back each part, before they are numbered for good."""

    item: Item
    sentences: tuple[Sentence, ...] = ()
    drivers: tuple[tuple[Contribution, Sentence, tuple[Citation, ...]], ...] = ()
    steps: tuple[tuple[NextStep, Slot], ...] = ()
    citations: tuple[Citation, ...] = ()
    draft_id: str | None = None

    def view(self, numbers: Mapping[int, Citation]) -> ItemView:
        """The item as it goes over the wire; only citations that were kept are named."""

        def kept(citations: Sequence[Citation]) -> list[int]:
            return [numbers[c.n].n for c in citations if c.n in numbers]

        scored = self.item.score
        return ItemView(
            entity=self.item.entity,
            key=self.item.key,
            name=self.item.name,
            score=round(scored.probability, 6) if scored else None,
            model_version=scored.model_version if scored else None,
            drivers=[
                DriverView(
                    feature=c.feature,
                    text=c.text,
                    logit=round(c.logit, 9),
                    citations=kept([*s.citations(), *rows]),
                    lower=c.lower,
                )
                for c, s, rows in self.drivers
            ],
            next_steps=[
                NextStepView(text=step.text, driver=step.driver, citations=kept([slot.citation]))
                for step, slot in self.steps
            ],
            draft_id=self.draft_id,
            citations=kept(self.citations),
        )


@dataclass
class ItemTeller:
    """Tells items for one answer. `population` is the result that the items came from, `due` their due dates, of which
    the first within `period` (half-open) is told."""

    catalogue: Catalogue
    composer: Composer
    population: TableEvidence | None
    finder: StepFinder | None = None
    due: TableEvidence | None = None
    period: tuple[dt.date, dt.date | None] = (dt.date.min, None)
    stated: TableEvidence | None = None
    notes: list[ItemNote] = field(default_factory=list)

    def scored(self, item: Item, score: Score) -> ItemNote:
        """An item with its score: the probability, the strongest reasons, what to do about them."""
        scored = item.score
        assert scored is not None
        book = self.composer.book
        drivers = tuple(
            (c, cited_reason(c, scored, score, self.catalogue, book), cited_rows(c, self.catalogue, book))
            for c in scored.contributions
        )
        found = self.finder.find(scored, STEPS) if self.finder else ()
        steps = tuple((step, self.composer.step(step)) for step in found)
        told = [Sentence((self._name(item), ": ", score_slot(scored, book), f" {score.label.lower()}"), "bullet")]
        due = self._due(item, score)
        told += [due] if due is not None else []
        raising = {c.feature for c in list(strongest(scored))[:REASONS]}
        told += [Sentence(s.parts, "subbullet") for c, s, _ in drivers if c.feature in raising]
        told += self._disagreeing(item, score)
        told += [Sentence(("To do: ", slot), "subbullet") for _, slot in steps]
        note = ItemNote(item, tuple(told), drivers, steps)
        cited = [c for s in told for c in s.citations()] + [
            c for _, s, rows in drivers for c in (*s.citations(), *rows)
        ]
        note.citations = tuple({c.n: c for c in cited}.values())
        return self._keep(note)

    def _due(self, item: Item, score: Score) -> Sentence | None:
        """When the entity is due, cited from the record that says so."""
        if self.due is None:
            return None
        start, end = self.period
        row = due_row(self.due, item.key, start, end)
        if row is None:
            return None
        slot = self.composer.slot(self.due, row, self.due.rows.columns[1])
        label = due_label(score, self.catalogue)
        return Sentence((f"{label[:1].upper()}{label[1:]}: ", slot), "subbullet")

    def _disagreeing(self, item: Item, score: Score) -> list[Sentence]:
        """That what people recorded of the entity and what the score makes of it differ."""
        if self.stated is None or item.score is None:
            return []
        row = contradicting_row(self.stated, score, item.key, item.score.probability)
        if row is None:
            return []
        column = self.stated.rows.columns[1]
        entity = self.catalogue.entity(score.entity)
        table = self.catalogue.table(entity.table) if entity else None
        held = table.column(column) if table else None
        label = held.label if held else column
        measured = "low" if item.score.probability < score.threshold else "high"
        slot = self.composer.slot(self.stated, row, column)
        return [
            Sentence(
                (f"Sources disagree: {label} says ", slot, f", the evidence above says {measured} risk"), "subbullet"
            )
        ]

    def quoted(self, item: Item, quotes: Sequence[Quote]) -> ItemNote:
        """An item with what its documents say."""
        slots = [self.composer.quote(q.passage, q.start, q.end) for q in quotes]
        told = [Sentence((self._name(item),), "bullet")]
        told += [Sentence(("“", slot, "”"), "subbullet") for slot in slots]
        return self._keep(ItemNote(item, tuple(told), citations=tuple(slot.citation for slot in slots)))

    def named(self, item: Item) -> ItemNote:
        """An item by its name alone."""
        return self._keep(ItemNote(item, (Sentence((self._name(item),), "bullet"),)))

    def listed(self, item: Item, evidence: TableEvidence, columns: Sequence[str]) -> ItemNote:
        """An item with further columns of its row."""
        parts: list[str | Slot] = [self._name(item)]
        assert evidence.key_column is not None
        row = [str(k) for k in evidence.column(evidence.key_column)].index(item.key)
        for column in columns:
            if evidence.column(column)[row] is not None:
                parts += [f", {column.replace('_', ' ')} ", self.composer.slot(evidence, row, column)]
        return self._keep(ItemNote(item, (Sentence(tuple(parts), "bullet"),)))

    def _name(self, item: Item) -> Slot | str:
        if self.population is None:
            return item.name
        entity = self.catalogue.entity(item.entity)
        return self.composer.name(item, self.population, entity.name_column if entity else "")

    def _keep(self, note: ItemNote) -> ItemNote:
        if not note.citations:
            note.citations = tuple({c.n: c for s in note.sentences for c in s.citations()}.values())
        self.notes.append(note)
        return note


def passages_of(notes: Sequence[ItemNote]) -> tuple[Passage, ...]:
    """Every passage that the notes quote."""
    return tuple(step.passage for note in notes for step, _ in note.steps) + tuple(
        passage for note in notes for passage in note.item.passages
    )
