"""Choosing among the candidates of each mention: nearness in the question, cohesion of the tables, joins."""

from __future__ import annotations

from dataclasses import dataclass

from query.text2sql.joins import JoinGraph
from query.text2sql.lexicon import Lexicon
from query.text2sql.linking import Candidate, Mention
from query.text2sql.tokens import Token, stems_of

BEAM = 12
LINKING_WORDS = frozenset(
    {"of", "for", "in", "from", "by", "the", "all", "each", "every", "a", "an", "any", "different"}
)
_RANK = {"table": 0, "metric": 1, "term": 2, "column": 3, "value": 4, "text": 5, "none": 6}


@dataclass(frozen=True)
class Assignment:
    """One candidate for every mention, and how well they fit together."""

    chosen: tuple[tuple[Mention, Candidate], ...]
    score: float


@dataclass(frozen=True)
class _State:
    score: float
    choice: tuple[tuple[int, Candidate], ...]
    tables: frozenset[str]
    spoken: frozenset[str]


class Assigner:
    """Searches the best joint choices by a beam."""

    def __init__(self, lexicon: Lexicon, graph: JoinGraph) -> None:
        self._lexicon, self._graph = lexicon, graph

    def assignments(self, tokens: tuple[Token, ...], mentions: tuple[Mention, ...], most: int) -> list[Assignment]:
        """Up to `most` assignments, best first."""
        order = sorted(range(len(mentions)), key=lambda i: (_RANK[mentions[i].candidates[0].kind], i))
        beam = [_State(0.0, (), frozenset(), frozenset())]
        for index in order:
            mention = mentions[index]
            grown: list[_State] = []
            for state in beam:
                held = dict(state.choice)
                for candidate in mention.candidates:
                    gain = self._gain(tokens, mentions, index, candidate, held, state)
                    tables = state.tables | {candidate.table} if candidate.table else state.tables
                    spoken = state.spoken | {candidate.table} if candidate.kind == "table" else state.spoken
                    grown.append(_State(state.score + gain, (*state.choice, (index, candidate)), tables, spoken))
            beam = sorted(grown, key=lambda s: -s.score)[:BEAM]
        found = []
        for state in beam[:most]:
            chosen = tuple((mentions[i], c) for i, c in sorted(state.choice, key=lambda x: x[0]))
            found.append(Assignment(chosen, state.score))
        return found

    def _gain(
        self,
        tokens: tuple[Token, ...],
        mentions: tuple[Mention, ...],
        index: int,
        candidate: Candidate,
        held: dict[int, Candidate],
        state: _State,
    ) -> float:
        gain = 2.0 * candidate.score
        if not candidate.table:
            return gain
        if candidate.table not in state.tables and state.tables:
            gap = min(self._graph.distance(candidate.table, t) for t in state.tables)
            gain -= 0.15 + 0.45 * (gap - 1) if gap < 99 else 3.0
        if candidate.kind == "table":
            return gain + 0.1
        gain += 0.35 * candidate.score if candidate.table in state.spoken else 0.0
        head = next((c.table for i, c in sorted(held.items()) if c.kind == "table"), "")
        gain += 0.15 if head == candidate.table else 0.0
        before = tokens[mentions[index].first - 1].lower if mentions[index].first else ""
        if before in ("were", "was", "are", "is", "been", "be") and head and candidate.kind != "column":
            gain += 0.5 if candidate.table == head else -0.3
        if before in ("their", "its", "his", "her") and head and candidate.kind == "column":
            gain += 0.4 if candidate.table == head else -0.2
        near = None if self._verb(tokens, mentions[index], candidate) else self._owner(tokens, mentions, index, held)
        if near is not None:
            gain += 0.5 * candidate.score if near == candidate.table else -0.4
        gain += self._key_gain(candidate)
        if self._verb(tokens, mentions[index], candidate) and candidate.kind == "column":
            gain -= 0.3
        if candidate.kind == "value":
            gain += self._value_gain(tokens, mentions, index, candidate, held)
        return gain

    def _verb(self, tokens: tuple[Token, ...], mention: Mention, candidate: Candidate) -> bool:
        """True for a date column that a verb names ("lost", "delivered"), and for the adjective of a term."""
        if candidate.kind == "term":
            return candidate.sense != "noun"
        table = self._lexicon.table(candidate.table)
        column = table.column(candidate.columns[0]) if table and candidate.columns else None
        word = tokens[mention.first].lower
        return (
            candidate.kind == "column"
            and column is not None
            and column.type in ("date", "datetime")
            and mention.last - mention.first == 1
            and word.endswith(("ed", "lost", "won", "due", "paid", "left"))
        )

    def _key_gain(self, candidate: Candidate) -> float:
        """An identifier is meant where it identifies, not where it refers."""
        table = self._lexicon.table(candidate.table)
        if table is None or not candidate.columns:
            return 0.0
        column = table.column(candidate.columns[0])
        if table.key == candidate.columns[:1]:
            return 0.15
        return -0.1 if column is not None and column.role == "reference" else 0.0

    @staticmethod
    def _owner(
        tokens: tuple[Token, ...], mentions: tuple[Mention, ...], index: int, held: dict[int, Candidate]
    ) -> str | None:
        """The table that the words around a column or value point at: "T C", "T's C", "C of T", "T whose C"."""
        mention = mentions[index]
        for other in range(index + 1, min(index + 4, len(mentions))):
            between = tokens[mentions[other - 1].last : mentions[other].first]
            if any(t.lower not in LINKING_WORDS and t.text not in ",and" and t.lower != "and" for t in between):
                break
            chosen = held.get(other)
            if chosen is not None and chosen.kind == "table":
                return chosen.table
        for other in range(index - 1, -1, -1):
            chosen = held.get(other)
            if chosen is not None and chosen.kind == "table":
                return chosen.table if mention.first - mentions[other].last <= 4 else None
        return None

    def _name_order(self, candidate: Candidate, other: Candidate, after: bool) -> float:
        """People are called by the first name first."""
        table = self._lexicon.table(candidate.table)
        names = self._lexicon.name_columns(table) if table is not None and candidate.table == other.table else ()
        said = (other.columns[0], candidate.columns[0]) if after else (candidate.columns[0], other.columns[0])
        return 0.0 if len(names) != 2 or set(said) != set(names) else 0.2 if said == names else -0.2

    def _value_gain(
        self,
        tokens: tuple[Token, ...],
        mentions: tuple[Mention, ...],
        index: int,
        candidate: Candidate,
        held: dict[int, Candidate],
    ) -> float:
        """A value fits better beside a mention of its column, or near words of its column's label."""
        mention, gain = mentions[index], 0.0
        for other in (index - 1, index + 1):
            chosen = held.get(other)
            if chosen is None or chosen.kind not in ("column", "value"):
                continue
            gap = mention.first - mentions[other].last if other < index else mentions[other].first - mention.last
            if chosen.kind == "value":
                if gap <= 2 and (chosen.table, chosen.columns) == (candidate.table, candidate.columns):
                    gain += 0.4
                elif gap == 0:  # the parts of one name
                    gain += 0.4 if chosen.table == candidate.table else -0.2
                    gain += self._name_order(candidate, chosen, other < index)
                continue
            if gap <= 4 and chosen.table == candidate.table and candidate.columns[0] in chosen.columns:
                gain += 1.0 if gap == 0 else 0.7
        table = self._lexicon.table(candidate.table)
        column = table.column(candidate.columns[0]) if table else None
        if table is None or column is None:
            return gain
        label = set(stems_of(column.label))
        around = {t.stem for t in tokens[max(0, mention.first - 4) : mention.first]}
        around |= {t.stem for t in tokens[mention.last : mention.last + 2]}
        gain += 0.5 if label & around else 0.0
        names = self._lexicon.name_columns(table)
        return (
            gain
            + (0.1 if column.name in names else 0.0)
            - (0.2 if column.role in ("text", "reference", "key") else 0.0)
        )
