"""What a reading leaves out of a question: words of content that nothing in its query stands for, and things that are
asked for ("the total", "the highest", "which") and that its query does not do.

A reading may be the likeliest and still answer another question: "How many seats are unused?" is not how many seats
there are. Who shows it as the answer would be wrong with a good conscience.
"""

from __future__ import annotations

import re

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from index.catalogue.model import Catalogue
from query.plan import Link, Reading
from query.planning.population import LIGHT_VERBS
from query.planning.routing_signals import FAR_FETCHED
from query.text2sql.lasting import MOST
from query.text2sql.planner import verb_form
from query.text2sql.thesaurus import COMPARATIVES, FUNCTION_WORDS, MEASURE_ADJECTIVES, SUPERLATIVES
from query.text2sql.tokens import NUMBER_WORDS, stem, stems_of, tokenise

_WORD = re.compile(r"[^\W\d_]{2,}(?:[-'’][^\W\d_]+)*")
_UNDONE = re.compile(r"un\w{2,}(?:ed|en|sold|paid|spent|used)$", re.I)  # "unused", "unpaid": no verb says that
_ASKS_HOW_MUCH = re.compile(r"\bhow (?:much|many)\b", re.I)
_ASKS_WHICH = re.compile(r"^\s*(?:which|who|list)\b", re.I)
# What is asked for, and what in the query does it. Words under a link (a metric called "return rate") ask for nothing.
_DONE: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = tuple(
    (re.compile(rf"\b(?:{words})\b", re.I), re.compile(sql))
    for words, sql in (
        (r"totals?|sum|altogether", r"\b(?:SUM|COUNT|AVG|MAX|MIN|TOTAL)\b"),
        (r"averages?|mean", r"\bAVG\b|/"),
        (r"percentages?|(?<!\d )percent|proportion|rates?|ratio|shares?", r"/"),
        (r"why|reasons?", r"\breasons?\b"),
        (
            rf"highest|lowest|largest|smallest|biggest|(?<!at )most|(?<!at )least|worst|{'|'.join(sorted(MOST))}",
            r"\bORDER BY\b|\bMAX\b|\bMIN\b",
        ),
        (r"growth|grow|grew|grown|drop|drops|dropped|decline[sd]?|increased?|decreased?|fell|fallen", r" - "),
        (r"no|not|never|without|nobody|neither", r"\bNOT\b|<>|!=|IS NULL|EXCEPT|= 0\b|< |<= |> |>= "),
    )
)
_TOTAL = re.compile(r"\b(?:SUM|COUNT|AVG|MAX|MIN)\b|[-+*/]")
_MEASURING = SUPERLATIVES.keys() | COMPARATIVES.keys() | MEASURE_ADJECTIVES.keys()
_SOUNDS_LIKE = 0.8
_NUMBERED = re.compile(r"\d\s*$")  # "120 days": the number is what counts
_PASSING = frozenset(
    map(stem, (*LIGHT_VERBS, "spread", "address", "far", "add", "develop", "cover", "expected", "trend"))
)
_IS = re.compile(r"\s+(?:(?:that|which|who)\s+)?(?:is|are|was|were|be|got|(?:has|have|had) been)\s+(?:\w+ly\s+)?", re.I)
_STATES = frozenset(map(stem, ("status", "state", "stage")))  # "jacket tickets" have a category, and are about jackets
_BEING = frozenset({"are", "is", "was", "were", "been", "being", "not"})
_PLACING = frozenset({"in", "from", "of", "for", "at", "on", "by", "with", "without"})
_ALWAYS = frozenset({"return", "returns"})  # functions words as verbs, at the beginning; nouns elsewhere


def left_out(text: str, reading: Reading, catalogue: Catalogue) -> tuple[str, ...]:
    """The words of `text`, which was planned as `reading`, that the reading leaves out, in their order; none where it
    answers all of it. Verbs, and other words for the tables that it reads, need not be said by its query."""
    links = [k for k in reading.links if k.kind != "none" and k.score >= FAR_FETCHED]
    links = [k for k in links if not _unused(k, reading.sql, catalogue)]
    words = [(found.group(), found.start()) for found in _WORD.finditer(text)]
    said = _PASSING | _called(reading, catalogue)
    missing = {
        at: word
        for n, (word, at) in enumerate(words)
        if not _under(at, links)
        and _means_something(words, n)
        and stem(word.lower()) not in said
        and word.lower() not in reading.sql.lower()
        and not _NUMBERED.search(text[:at])
    }
    for asked, done in _DONE:
        wanted = next((m for m in asked.finditer(text) if not _under(m.start(), links)), None)
        if wanted is not None and not done.search(reading.sql):
            missing[wanted.start()] = wanted.group()
    missing |= {link.start: link.text for link in reading.links if _stray(link, reading.links)}
    missing |= _numbers(text, links, reading.sql)
    missing |= _measures(text, links, reading)
    much = _ASKS_HOW_MUCH.search(text)
    if much and not _measured(reading, catalogue):
        missing[much.start()] = much.group()
    which = _ASKS_WHICH.match(text)
    if which and not _lists(reading.sql):
        missing[which.start()] = which.group().strip()
    return tuple(missing[at] for at in sorted(missing))


def _unused(link: Link, sql: str, catalogue: Catalogue) -> bool:
    """True for a business term, or a word that only sounds like a column, that the query does without."""
    if link.kind == "term":
        return not any(column in sql for column in _state(link, catalogue)[1])
    table, _, column = link.target.partition(".")
    return link.kind == "column" and link.score < _SOUNDS_LIKE and column not in sql and table not in sql


def _stray(link: Link, links: tuple[Link, ...]) -> bool:
    """True for "the longest" as the length of something that the question does not speak of."""
    if link.kind != "column" or link.text.lower() not in _MEASURING:
        return False
    table = link.target.partition(".")[0]
    return not any(other is not link and other.target.partition(".")[0] == table for other in links)


def of_another(text: str, reading: Reading, catalogue: Catalogue) -> tuple[str, ...]:
    """The words that `reading` takes for a state of something else than they are said of: "cancelled orders" as the
    orders of customers who cancelled, where orders have a status of their own."""
    links = [link for link in reading.links if link.kind != "none" and link.score >= FAR_FETCHED]
    return tuple(link.text for link in links if _of_a_parent(text, link, links, catalogue))


def _state(link: Link, catalogue: Catalogue) -> tuple[str, frozenset[str]]:
    """The table and the columns of which a value or a business term tells the state; none for other words."""
    if link.kind == "value":
        table, _, column = link.target.partition(".")
        return table, frozenset({column})
    term = next((t for t in catalogue.terms if link.kind == "term" and t.name == link.target), None)
    return (term.table, frozenset(re.findall(r"\w+", term.where))) if term else ("", frozenset())


def _of_a_parent(text: str, value: Link, links: list[Link], catalogue: Catalogue) -> bool:
    """True where `value` is said of rows that refer to its table and have a state of the same name."""
    table, told = _state(value, catalogue)
    columns = [column for column in told if _STATES & set(stems_of(column))]
    metrics = {metric.name: metric.table for metric in catalogue.metrics}
    for link in links:
        named = {"table": link.target, "metric": metrics.get(link.target, "")}.get(link.kind, "")
        said = catalogue.table(named) if named else None
        if said is None or not _refers(catalogue, named, table) or not any(said.column(c) for c in columns):
            continue
        if _IS.fullmatch(text[link.end : value.start]) or text[value.end : link.start].isspace():
            return True
    return False


def _refers(catalogue: Catalogue, table: str, other: str) -> bool:
    return any((join.left, join.right) == (table, other) for join in catalogue.joins)


def _called(reading: Reading, catalogue: Catalogue) -> frozenset[str]:
    """The words for the tables that `reading` reads."""
    tables = (catalogue.table(name) for name in reading.tables)
    labels = (label for table in tables if table is not None for label in (table.name, table.label, *table.synonyms))
    return frozenset(one for label in labels for one in stems_of(label))


def _means_something(words: list[tuple[str, int]], at: int) -> bool:
    """True for a word of content; the verb of a question, which could stand with any noun, is none."""
    folded = [word.lower() for word, _ in words]
    word, before = folded[at], folded[at - 1] if at else ""
    if word in _ALWAYS:
        return at > 0
    if word in FUNCTION_WORDS or word in NUMBER_WORDS or word in MOST:  # what is the longest is seen to below
        return False
    if _UNDONE.match(word):
        return True
    plain = words[at][0].islower() and before not in _PLACING
    ends = plain and at == len(folded) - 1 and any(helper in folded[:at] for helper in ("do", "does", "did"))
    if before in _BEING and word.endswith("ed"):  # "were escalated" is a condition
        return True
    return not (verb_form(word) or before in ("who", "that", "to", "did") or ends)


def _numbers(text: str, links: list[Link], sql: str) -> dict[int, str]:
    """The numbers of `text` that are neither in a period nor in the query."""
    written = set(re.findall(r"\d+(?:\.\d+)?", sql))
    found = {}
    for token in tokenise(text):
        if token.kind == "number" and token.number is not None and not _under(token.start, links):
            value = token.number
            forms = {f"{value:g}", f"{value:.2f}", str(int(value)), f"{value / 100:g}", f"{value * 1000:g}"}
            if forms.isdisjoint(written):
                found[token.start] = token.text
    return found


def _measures(text: str, links: list[Link], reading: Reading) -> dict[int, str]:
    """Units behind a number that stand for a column only because they sound like it: "60 days" as a notice period."""
    named = {link.target for link in links}
    weak = (link for link in reading.links if link.kind == "column" and link.score < FAR_FETCHED)
    return {k.start: k.text for k in weak if k.target not in named and _NUMBERED.search(text[: k.start])}


def _measured(reading: Reading, catalogue: Catalogue) -> bool:
    """True where the query gives a number: a total, or a column of numbers."""
    shown = reading.sql.partition(" FROM ")[0]
    if _TOTAL.search(shown):
        return True
    tables = (catalogue.table(name) for name in reading.tables)
    numbers = {
        c.name for table in tables if table is not None for c in table.columns if c.type in ("integer", "number")
    }
    return any(word in numbers for word in re.findall(r"\w+", shown))


def _lists(sql: str) -> bool:
    """True where the query gives more than totals: something of each row, or of each group."""
    try:
        tree = sqlglot.parse_one(sql, dialect="sqlite")
    except SqlglotError:
        return True
    return not isinstance(tree, exp.Select) or any(item.find(exp.AggFunc) is None for item in tree.expressions)


def _under(at: int, links: list[Link]) -> bool:
    return any(link.start <= at < link.end for link in links)
