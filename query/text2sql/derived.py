"""Metrics that a catalogue does not write down but its columns make plain: revenue from price and quantity, and the
days that something takes, from when a row begins and when something is done with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from index.catalogue.model import Catalogue, Column, Metric, Table
from query.text2sql.moments import participle
from query.text2sql.tokens import stem, stems_of, words_of

_REVENUE = frozenset(stem(w) for w in ("revenue", "sales", "turnover"))
_SYNONYMS = ("sales", "turnover", "sales revenue", "total sales", "sales volume", "earnings")
DAYS_TO = "days_to_"  # how the names of such metrics begin
_MOMENTS = frozenset({"at", "on", "date", "time", "day"})
# Verbs that are said for each other, and the nouns whose "time" is how long it takes.
_ALIKE = (
    (("resolve", "solve", "close", "complete", "settle", "finish", "fix"), ("resolution", "completion")),
    (("deliver",), ("delivery",)),
    (("ship", "dispatch"), ("shipment", "shipping")),
    (("pay",), ("payment",)),
    (("approve",), ("approval",)),
    (("answer", "reply", "respond"), ("response",)),
)
_TO = ("time to {}", "days to {}", "time until {}", "days until {}", "number of days to {}")
_OF = ("{} time", "{} times")


def with_derived_metrics(catalogue: Catalogue, tables: Sequence[Table] | None = None) -> Catalogue:
    """`catalogue` with a revenue metric where it has none and one table holds quantities and prices, and with the
    average days from the date of a row to each later date that is told as something done ("resolved at"). `tables` are
    what may be seen of the catalogue's; all of it by default."""
    seen = catalogue.tables if tables is None else tables
    held = [m.sql for m in catalogue.metrics]
    days = [m for m in _durations(seen) if not any(m.sql.replace('"', "") in s.replace('"', "") for s in held)]
    return _with_revenue(replace(catalogue, metrics=(*catalogue.metrics, *days)), seen)


def _durations(tables: Sequence[Table]) -> Iterator[Metric]:
    """The average days to what is done with the rows of a table."""
    for table in tables:
        start = table.column(table.time_column) if table.time_column else None
        if start is None or not _is_moment(start):
            continue
        done = {word: c for c in table.columns if c is not start and (word := _done(c))}
        for word, column in done.items():
            sql = f"AVG(JULIANDAY({_quoted(column.name)}) - JULIANDAY({_quoted(start.name)}))"
            label = f"Average days from {start.label} to {column.label}"
            phrases = tuple(_phrases(word, {stem(one) for one in done}, table))
            name = f"{DAYS_TO}{column.name}"
            yield Metric(name, label, table.name, sql, f"{table.name}.{start.name}", "days", synonyms=phrases)


def _phrases(done: str, verbs: set[str], table: Table) -> Iterator[str]:
    """What the days until something is `done` are called; what a column of the table is called they are not."""
    alike, nouns = next((pair for pair in _ALIKE if stem(done) in map(stem, pair[0])), ((), ()))
    said = (done, *(verb for verb in alike if stem(verb) not in verbs), *nouns)
    called = {stems_of(text) for c in table.columns for text in (c.label, c.name, *c.synonyms)}
    plain = [form.format(one) for one in said for form in _TO] + [form.format(one) for one in nouns for form in _OF]
    for phrase in plain:
        if stems_of(phrase) not in called:
            yield from (phrase, f"average {phrase}")


def _done(column: Column) -> str:
    """The verb in a date that tells what was done ("Resolved at", `delivered_on`), or an empty text."""
    if not _is_moment(column):
        return ""
    for text in (column.label, column.name):
        words = words_of(text)
        if words and participle(words[0]) and set(words[1:]) <= _MOMENTS:
            return words[0]
    return ""


def _is_moment(column: Column) -> bool:
    return column.type in ("date", "datetime")


def _with_revenue(catalogue: Catalogue, tables: Sequence[Table]) -> Catalogue:
    if any(_REVENUE & set(stems_of(text)) for m in catalogue.metrics for text in (m.name, m.label, *m.synonyms)):
        return catalogue
    found = [(table, sql) for table in tables if (sql := _revenue(table))]
    if len(found) != 1:
        return catalogue
    table, sql = found[0]
    metric = Metric("revenue", "Revenue", table.name, sql, _time(catalogue, table), synonyms=_SYNONYMS)
    return replace(catalogue, metrics=(*catalogue.metrics, metric))


def _revenue(table: Table) -> str:
    """SUM(price * quantity * (1 - discount)) over columns of `table`, or an empty text."""
    quantity = _column(table, ("quantity",))
    price = _column(table, ("price",)) or _column(table, ("unit", "price"))
    if quantity is None or price is None or table.name_column is not None:
        return ""
    discount = _column(table, ("discount",))
    fraction = discount is not None and isinstance(discount.maximum, int | float) and 0 <= discount.maximum <= 1
    reduced = f" * (1 - {_quoted(discount.name)})" if discount is not None and fraction else ""
    return f"SUM({_quoted(price.name)} * {_quoted(quantity.name)}{reduced})"


def _column(table: Table, words: tuple[str, ...]) -> Column | None:
    stems = {stem(w) for w in words}
    numbers = (c for c in table.columns if c.type in ("integer", "number") and c.role not in ("key", "reference"))
    return next((c for c in numbers if stems <= set(stems_of(c.label)) | set(stems_of(c.name))), None)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _time(catalogue: Catalogue, table: Table) -> str:
    """The date of the table, or of a table that it looks up: `table.column`, or an empty text."""
    if table.time_column:
        return f"{table.name}.{table.time_column}"
    for join in catalogue.joins:
        right = catalogue.table(join.right) if join.left == table.name else None
        if right is not None and right.time_column:
            return f"{right.name}.{right.time_column}"
    return ""
