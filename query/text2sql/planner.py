"""The planner: a question over tables to ranked readings, without a language model."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass, replace
from functools import lru_cache

from index.catalogue.model import Catalogue
from index.errors import SqlRejected
from index.guard.guard import guard
from index.scope import Scope
from index.sql import SqlReader
from query.plan import Choice, Link, Reading
from query.text2sql.ambiguity import Understood, ambiguity, attachment
from query.text2sql.assign import Assigner, Assignment
from query.text2sql.default_order import in_default_order
from query.text2sql.derived import DAYS_TO, with_derived_metrics
from query.text2sql.describe import describe, result_columns
from query.text2sql.features import ReadingFeatures, Signals
from query.text2sql.found import Finder, looked_at
from query.text2sql.grammar import Parse, parses
from query.text2sql.joins import JoinGraph
from query.text2sql.lasting import how_long
from query.text2sql.lexicon import Lexicon, visible_tables
from query.text2sql.linking import Candidate, Linker, Mention
from query.text2sql.logical import ColumnRef, Query, is_aggregate
from query.text2sql.moments import settled
from query.text2sql.periods import TimeWords, read_time
from query.text2sql.ranking import by_hand, confidences, score
from query.text2sql.render import Renderer, Unrenderable
from query.text2sql.sentence import Sentence, build
from query.text2sql.thesaurus import FUNCTION_WORDS, PARTICIPLES
from query.text2sql.tokens import Token, stem, tokenise
from query.text2sql.values import ValueIndex

ASSIGNMENTS = 6
FULL = 2  # assignments whose parses get every alternative
EDITS = {
    "loose": -3.0, "every": -3.0, "loose_every": -3.0, "less": -4.0, "named": -4.0, "swapped": -4.0, "once": -4.0,
    "counts": -4.0, "with_count": -4.0, "ungrouped": -4.0, "pairs": -3.0, "apart": -3.0, "other_join": -4.0,
    "each": -2.0, "either": -2.0, "of_top": -2.0, "other_date": -3.0,
}  # fmt: skip
CHANGES = frozenset({"delete", "drop", "remove", "update", "insert", "alter", "truncate", "erase"})
REMEMBERED = 8  # questions
LONGEST_QUESTION = 2_000  # characters; what stands behind them is not read
# what to do with the result is not part of the question
_INSTRUCTION = re.compile(
    r"(?:\band )?\b(?:create|draw|make|show(?: me)?|give me|plot|generate|add|produce)(?: me)? (?:a |an |the )?"
    r"(?:corresponding |suitable |nice |bar |line |pie )*(?:chart|graph|plot|diagram)s?(?:"
    r" (?:of|for|with|from|that shows))?\b"
    r"|^\s*(?:summari[sz]e|plot|chart|draw|visuali[sz]e|compare)\b"
)

_Understanding = tuple[tuple[Token, ...], TimeWords, frozenset[int], tuple[Mention, ...]]


@dataclass(frozen=True)
class _Ranked:
    score: float
    sql: str
    parse: Parse
    assignment: Assignment
    features: Mapping[str, float]


class TableQuestionPlanner:
    """Plans questions over the tables of `catalogue` that `scope` shows.

    `today` overrides the catalogue's date. Stored values are read once, at the first question, through the guard.
    """

    def __init__(self, catalogue: Catalogue, reader: SqlReader, scope: Scope, *, today: dt.date | None = None) -> None:
        self._given, self._reader, self._scope = catalogue, reader, scope
        self._catalogue = catalogue = with_derived_metrics(catalogue, tuple(visible_tables(catalogue, scope)))
        self._today = today or catalogue.date()
        self._lexicon = Lexicon(catalogue, scope)
        self._graph = JoinGraph(catalogue, frozenset(t.name for t in self._lexicon.tables))
        self._assigner = Assigner(self._lexicon, self._graph)
        self._renderer = Renderer(catalogue, self._graph)
        self._features = ReadingFeatures(catalogue)
        self._known = _score_words(catalogue)
        self._linker_: Linker | None = None
        self._finder = Finder(self._given, reader, scope)
        self._remember()

    def own(self) -> TableQuestionPlanner:
        """The same planner for one question: nothing is remembered of other questions, nor of this one afterwards, so
        that a quick plan tells nobody what others asked."""
        assert self._linker  # the stored values are read once for all of them
        other = copy(self)
        other._remember()
        return other

    def _remember(self) -> None:
        self._understood = lru_cache(maxsize=REMEMBERED)(self._read)  # a question is looked at from several sides
        self._all = lru_cache(maxsize=REMEMBERED)(self._rank)
        self._sure = lru_cache(maxsize=REMEMBERED)(self._chances)

    @property
    def _linker(self) -> Linker:
        if self._linker_ is None:
            self._linker_ = Linker(self._lexicon, ValueIndex(self._given, self._reader, self._scope))
        return self._linker_

    def plan(self, question: str, *, subject: str | None = None, limit: int = 5) -> tuple[Reading, ...]:
        """Up to `limit` readings of `question`, best first; none means that the tables cannot answer it.

        `subject` is the name of an entity: the readings then give rows of that entity, key and name first.
        """
        tokens, time, _, _ = self._understood(question)
        readings: list[Reading] = []
        for one, chance in zip(self._all(question, subject), self._sure(question, subject), strict=True):
            if len(readings) >= limit:
                break
            if self._passes(self._ordered(one)):
                readings.append(self._reading(tokens, time, one, chance))
        return tuple(readings)

    def _chances(self, question: str, subject: str | None) -> list[float]:
        """How likely each reading is right. Over a drafted catalogue the nearest ones are run, to see which of them
        find the same."""
        ranked = self._all(question, subject)
        learned = subject is None and bool(ranked) and not ranked[0].features["curated"]
        near = looked_at([r.score for r in ranked]) if learned else 0
        found = self._finder.found([self._ordered(r) for r in ranked[:near]])
        return confidences([(r.score, r.features) for r in ranked], found)

    def considered(self, question: str) -> tuple[tuple[str, Mapping[str, float]], ...]:
        """Every reading of `question` that can be written down, as SQL and features, best first: for training."""
        return tuple((self._ordered(r), r.features) for r in self._all(question, None))

    def choice(self, question: str) -> Choice | None:
        """The ways in which `question` can be meant, whatever the data; None where its words leave no choice."""
        tokens, time, _, mentions = self._understood(question)
        ranked = self._all(question, None)
        if not ranked:
            return self._unwritten(tokens, mentions)
        first = next((r for r in ranked if not r.parse.edits), ranked[0])  # its query is nearest to the words
        seen = Understood(
            tokens, first.assignment.chosen, first.parse.query, self._catalogue, self._lexicon, self._graph
        )
        found = ambiguity(seen)
        if found is None:
            return None
        chance = self._sure(question, None)[0]
        return Choice(found.kind, found.options, tuple(self._written(tokens, time, first, found.queries, chance)))

    def _unwritten(self, tokens: tuple[Token, ...], mentions: tuple[Mention, ...]) -> Choice | None:
        """What a modifier goes with, where no query can be written down: "chefs and waiters who speak English", two
        values beside a word that nothing explains."""
        found = self._assigner.assignments(tokens, mentions, 1)
        root = next((c.table for _, c in found[0].chosen if c.kind in ("table", "value")), "") if found else ""
        if not root:
            return None
        seen = Understood(tokens, found[0].chosen, Query(root, ()), self._catalogue, self._lexicon, self._graph)
        open_ = attachment(seen)
        return Choice(open_.kind, open_.options, ()) if open_ is not None else None

    def _written(
        self, tokens: tuple[Token, ...], time: TimeWords, first: _Ranked, queries: tuple[Query, ...], chance: float
    ) -> Iterator[Reading]:
        """The queries that can be written down and pass the guard, as readings as sure as the first."""
        for query in queries:
            try:
                sql = self._renderer.sql(query)
            except Unrenderable:
                continue
            if self._passes(sql):
                written = replace(first, sql=sql, parse=replace(first.parse, query=query))
                yield self._reading(tokens, time, written, chance)

    def _rank(self, question: str, subject: str | None) -> list[_Ranked]:
        """The readings of every assignment, best first, each SQL once."""
        tokens, time, blocked, mentions = self._understood(question)
        if (not mentions and not time.periods) or (tokens and tokens[0].lower in CHANGES):
            return []
        best: dict[str, _Ranked] = {}
        assignments = self._assigner.assignments(tokens, mentions, ASSIGNMENTS)
        for at, assignment in enumerate(assignments):
            full = at < FULL
            for ranked in self._ranked(tokens, time, blocked, assignment, assignments[0].score, subject, full):
                if ranked.sql not in best or best[ranked.sql].score < ranked.score:
                    best[ranked.sql] = ranked
        found = sorted(best.values(), key=lambda r: -r.score)
        if not found or not found[0].features["curated"]:
            return found  # the learned order knows them
        return [r for r in found if not _cuts_one_row(r.parse.query)] or found

    def links(self, question: str) -> tuple[Link, ...]:
        """What the words of `question` are tied to in the best choice of meanings."""
        tokens, time, _, mentions = self._understood(question)
        found = self._assigner.assignments(tokens, mentions, 1)
        return _links(tokens, time, found[0].chosen) if found else ()

    def unknown_words(self, question: str) -> tuple[str, ...]:
        """The content words that nothing in the catalogue, the stored values or the grammar explains."""
        tokens, _, blocked, mentions = self._understood(question)
        covered = {i for m in mentions for i in range(m.first, m.last) if m.candidates[0].kind != "text"} | blocked
        return tuple(
            t.text
            for i, t in enumerate(tokens)
            if i not in covered
            and t.kind in ("word", "quoted")
            and t.number is None
            and t.lower not in FUNCTION_WORDS
            and t.stem not in self._known
            and not _verbal(tokens, i)
        )

    def _read(self, question: str) -> _Understanding:
        question = question[:LONGEST_QUESTION]
        tokens = tokenise(question)
        lasting = how_long(tokens)
        if lasting != tokens:  # only where the tables know how long it takes
            read = self._linked(question, lasting)
            if any(m.candidates[0].target.startswith(DAYS_TO) for m in read[3] if m.candidates[0].kind == "metric"):
                return read
        return self._linked(question, tokens)

    def _linked(self, question: str, tokens: tuple[Token, ...]) -> _Understanding:
        time = self._unless_named(tokens, self._time(question))
        spent = time.periods
        time = replace(time, periods=settled(question, spent))
        spans = [(p.start, p.end) for p in spent]
        spans += [s for s in (time.grain_span, time.compare_span) if s[1] > s[0]]
        blocked = frozenset(
            i for i, t in enumerate(tokens) if t.kind != "quoted" and any(a <= t.start < b for a, b in spans)
        )
        told = [m.span() for m in _INSTRUCTION.finditer(question.lower())]
        blocked |= {i for i, t in enumerate(tokens) if any(a <= t.start < b for a, b in told)}
        return tokens, time, blocked, self._linker.mentions(tokens, blocked)

    def _unless_named(self, tokens: tuple[Token, ...], time: TimeWords) -> TimeWords:
        """A year inside a stored name ("Summer 2026 collection") is part of the name."""
        if not time.periods:
            return time
        spans = [
            (tokens[m.first].start, tokens[m.last - 1].end)
            for m in self._linker.mentions(tokens)
            if m.last - m.first > 1 and m.candidates[0].kind in ("value", "term")
        ]
        named = [
            (tokens[m.first].start, tokens[m.last - 1].end)
            for m in self._linker.mentions(tokens)
            if m.last - m.first > 1 and m.candidates[0].kind == "column" and m.candidates[0].score >= 0.95
        ]
        kept = tuple(
            p
            for p in time.periods
            if not any(a < p.end and p.start < b and a < p.start for a, b in spans)
            and not any(a <= p.start and p.end <= b for a, b in named)
        )
        return replace(time, periods=kept)

    def _time(self, question: str) -> TimeWords:
        """The periods of the question; a grain that is the name of a column is that column."""
        time = read_time(question, self._today, self._catalogue.fiscal_year_start)
        word = time.grain or ""
        said = question[time.grain_span[0] : time.grain_span[1]]
        if (
            word
            and said.lower() in ("daily", "weekly", "monthly", "quarterly", "yearly", "annual", "annually")
            and self._lexicon.knows(stem(said))
        ):
            return TimeWords(time.periods, None, (0, 0), time.compare, time.compare_span)
        if word and any(e.kind == "column" and e.score > 0.93 for e in self._lexicon.find((stem(word),))):
            return TimeWords(time.periods, None, (0, 0), time.compare, time.compare_span)
        return time

    def _ranked(
        self,
        tokens: tuple[Token, ...],
        time: TimeWords,
        blocked: frozenset[int],
        assignment: Assignment,
        best: float,
        subject: str | None,
        full: bool,
    ) -> Iterator[_Ranked]:
        """The readings of one choice of meanings that can be written down."""
        sentence = build(tokens, assignment.chosen, time.periods, blocked)
        for parsed in parses(sentence, self._lexicon, self._catalogue, time, subject, full=full):
            try:
                sql = self._renderer.sql(parsed.query)
            except Unrenderable:
                continue
            yield self._weighed(tokens, blocked, assignment, best, sentence, parsed, sql)

    def _weighed(
        self,
        tokens: tuple[Token, ...],
        blocked: frozenset[int],
        assignment: Assignment,
        best: float,
        sentence: Sentence,
        parsed: Parse,
        sql: str,
    ) -> _Ranked:
        left = [w for w in parsed.unexplained if stem(w) not in self._known]
        signals = Signals(
            parsed,
            assignment,
            best,
            sentence.text,
            unexplained=len([w for w in left if not verb_form(w)]),
            verbs=len([w for w in left if verb_form(w)]),
            words=sum(t.kind == "word" for t in tokens),
            strangers=_strangers(tokens, blocked, assignment),
            sql=sql,
            question=sentence.question,
        )
        values = self._features.of(signals)
        values["hand"] = by_hand(values) + sum(EDITS[n] for n in parsed.edits)
        return _Ranked(score(values), sql, parsed, assignment, values)

    def _ordered(self, ranked: _Ranked) -> str:
        """The SQL of a reading whose groups have an order even where the question asks for none."""
        query = in_default_order(ranked.parse.query, self._timely)
        return ranked.sql if query == ranked.parse.query else self._renderer.sql(query)

    def _timely(self, ref: ColumnRef) -> bool:
        held = self._catalogue.table(ref.table)
        column = held.column(ref.column) if held else None
        return column is not None and (column.type in ("date", "datetime") or "year" in column.label.lower())

    def _passes(self, sql: str) -> bool:
        try:
            guard(sql, self._given, self._scope, dialect="sqlite")
        except SqlRejected:
            return False
        return True

    def _reading(self, tokens: tuple[Token, ...], time: TimeWords, ranked: _Ranked, chance: float) -> Reading:
        query = ranked.parse.query
        x, y, entity, key = result_columns(query, self._catalogue)
        return Reading(
            sql=self._ordered(ranked),
            confidence=chance,
            explanation=describe(query, self._catalogue),
            links=_links(tokens, time, ranked.assignment.chosen),
            tables=tuple(dict.fromkeys(t.name for t in self._catalogue.tables if _mentions_table(ranked.sql, t.name))),
            entity=entity,
            key_column=key,
            x=x,
            y=y,
            title=describe(query, self._catalogue, short=True),
        )


def _score_words(catalogue: Catalogue) -> frozenset[str]:
    """The stems of the names of scores: other stages answer what they ask."""
    texts = [x for s in catalogue.scores for x in (s.name, s.label, *s.synonyms)]
    return frozenset(stem(w) for text in texts for w in re.findall(r"\w+", text.lower()))


def _strangers(tokens: tuple[Token, ...], blocked: frozenset[int], assignment: Assignment) -> int:
    """How many names (capitalised inside the sentence) nothing is known of."""
    covered = blocked | {i for m, _ in assignment.chosen for i in range(m.first, m.last)}
    return sum(
        t.kind == "word" and t.capital and i > 0 and tokens[i - 1].text not in ".?!" and i not in covered
        and t.lower not in FUNCTION_WORDS and len(t.text) > 1
        for i, t in enumerate(tokens)
    )  # fmt: skip


def _mentions_table(sql: str, table: str) -> bool:
    return re.search(rf"(?<![\w'])\"?{re.escape(table)}\"?(?!\w)", sql) is not None


def _cuts_one_row(query: Query) -> bool:
    """True for the first five of a single row: a total was read where rows of something were asked for."""
    several = query.limit is not None and query.limit > 1
    return several and not query.group and bool(query.select) and all(is_aggregate(e) for e in query.select)


def _links(
    tokens: tuple[Token, ...], time: TimeWords, chosen: tuple[tuple[Mention, Candidate], ...]
) -> tuple[Link, ...]:
    found = []
    for mention, candidate in chosen:
        start, end = tokens[mention.first].start, tokens[mention.last - 1].end
        target = ".".join((candidate.table, *candidate.columns[:1])) if candidate.table else ""
        text = " ".join(t.text for t in tokens[mention.first : mention.last])
        found.append(
            Link(text, start, end, candidate.kind, candidate.target if candidate.kind in ("metric", "term") else target,
                 candidate.value, round(candidate.score, 3))
        )  # fmt: skip
    for period in time.periods:
        until = period.until.isoformat() if period.until else ""
        since = period.since.isoformat() if period.since else ""
        found.append(Link(period.label, period.start, period.end, "period", "", f"{since}/{until}"))
    return tuple(sorted(found, key=lambda link: link.start))


def verb_form(word: str) -> bool:
    """True for a word that ends like a form of a verb, or is an irregular one: "delivered", "sold"."""
    return word.endswith(("ed", "ing")) or word in PARTICIPLES


def _verbal(tokens: tuple[Token, ...], at: int) -> bool:
    """True for words that look like verbs, which may pass unexplained: "sold", "who teach", "does Nancy cover"."""
    word, before = tokens[at].lower, tokens[at - 1].lower if at else ""
    if verb_form(word) or before in ("who", "that", "to", "did"):
        return True
    last = all(t.kind == "punctuation" for t in tokens[at + 1 :])
    return last and any(t.lower in ("do", "does", "did") for t in tokens[:at])
