"""A question put to a grid: which rows and columns it means, and what is to be done with their figures.

Nothing is guessed: where two rows fit equally, or words of the question are left that neither the table nor the text
around it holds, there is no finding.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from index.vectors.keywords import terms
from query.document_tables.grid import Cell, Grid, GridRow

Operation = Literal["look-up", "change", "percent-change", "average", "sum", "ratio", "extreme", "exceeding", "count"]
ENOUGH_OF_LABEL = 0.6  # share of a label's terms that the question holds
ENOUGH_OF_QUESTION = 0.65  # share of the question's terms that row, column and the text around explain
LEAST = 0.6  # a score below which nothing is found
CLEAR = 0.08  # by how much the best row must fit better than the next
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_SHORT_YEAR = re.compile(r"\b(?:FY|F)\s?'?(\d\d)\b")
_PERCENT_CHANGE = re.compile(
    r"percent(?:age)?\s+(?:change|increase|decrease|growth|difference|\(?(?:increase|decrease))|growth rate|"
    r"\b(?:change|increase|decrease)\b.*\bas a percentage\b|by what percent|%\s*(?:change|increase|decrease|growth)|"
    r"\b(?:change|increase|decrease|growth) \((?:%|in percent)\)",
    re.I,
)
_CHANGE = re.compile(r"\b(?:change|increase|decrease|difference|decline|growth)\b", re.I)
_AVERAGE = re.compile(r"\b(?:average|mean)\b(?!\s+(?:exercise|remaining|number of|grant|fair|price|life|shares))", re.I)
_SUM = re.compile(r"\b(?:sum|combined|altogether)\b|\btotal(?: amount)? of .+\band\b", re.I)
_RATIO = re.compile(
    r"\b(?:ratio|proportion)\b|\bas a (?:percentage|percent|proportion|ratio)\b|\bpercentage of\b", re.I
)
_EXTREME = re.compile(
    r"\b(?:which|what)\s+(?:fiscal\s+|financial\s+)?(?:year|period)\b.*\b(?P<how>largest|highest|greatest|most|greater|higher|"
    r"larger|more|smallest|lowest|least|lower|smaller|less|fewer)\b(?!\s+than\s+[$€£]?\d)",
    re.I,
)
_EXCEEDING = re.compile(
    r"\b(?P<which>(?:in\s+)?(?:which|what)\s+(?:fiscal\s+|financial\s+)?years?|"
    r"how many (?:fiscal |financial )?years?)\b"
    r".*?"
    r"\b(?P<how>exceed(?:ed|s)?|(?:more|greater|higher|larger|less|lower|smaller|fewer) than|above|over|below|under)\s+"
    r"[$€£]?\s?(?P<limit>\d[\d,]*(?:\.\d+)?)",
    re.I,
)
_GENERIC = frozenset(
    t for word in """company respective respectively amount value much many year years fiscal financial end ended total
    change percentage percent increase decrease difference between compared period average sum ratio proportion made
    growth rate table show shown figure number december march june september january april july october november
    february may august 31 30 29 28 1 respectively recorded reported level million thousand billion usd eur
    what""".split()
    for t in terms(word)
)  # fmt: skip
_REASON = re.compile(
    r"^\s*why\b|\bwhat (?:caused|led|drove|could|would)\b|\bmainly\b|\breasons?\b|\bbecause\b|\bdue to\b", re.I
)
_WORKED = re.compile(
    r"\b(?:increase|decrease|change|difference|average|mean|percentage|proportion|ratio|absolute)\b", re.I
)
_RANGE = re.compile(r"\b((?:19|20)\d\d)\s*(?:to|through|-|–)\s*((?:19|20)\d\d)\b")
_SMALL = ("smallest", "lowest", "least", "lower", "smaller", "less", "fewer", "below", "under")


@dataclass(frozen=True)
class Found:
    """What a grid says to a question: `cells` in the order asked, and for more than a look-up the `value` that
    `formula` makes of them (`a`, `b`, ...). `percent` says that the value counts percents; `labels` are texts
    instead of figures (years). `score` tells how well row, column and question fit, in 0..1."""

    operation: Operation
    grid: Grid
    cells: tuple[Cell, ...]
    rows: tuple[GridRow, ...]
    columns: tuple[int, ...]
    score: float
    value: Decimal | None = None
    formula: str = ""
    percent: bool = False
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Fit:
    row: GridRow
    score: float
    explained: frozenset[str]


def ask(question: str, tables: Sequence[Grid], around: str = "") -> Found | None:
    """What the best fitting of `tables` says; None where none does clearly. `around` is the text about them."""
    found = [f for grid in tables if (f := _asked(question, grid, around)) is not None]
    found.sort(key=lambda f: -f.score)
    if not found or (len(found) > 1 and found[0].score - found[1].score < CLEAR and found[0].cells != found[1].cells):
        return None
    return found[0]


def _asked(question: str, grid: Grid, around: str) -> Found | None:
    if _REASON.search(question) or re.search(r"\babsolute\b", question, re.I):
        return None
    limit = _EXCEEDING.search(question)
    said = f"{question[: limit.start('how')]} {question[limit.end() :]}" if limit else question
    wanted = frozenset(terms(_without_years(said)))
    years = _years(question)
    known = frozenset(terms(" ".join((grid.lead, grid.corner, *grid.columns, around))))
    fits = _rows(wanted, grid, question)
    if not fits:
        return None
    operation = _operation(question)
    chosen = _chosen_rows(fits, question, operation)
    if not chosen:
        return None
    explained = frozenset().union(*(f.explained for f in chosen))
    left = wanted - explained - _GENERIC
    share = 1 - len(left - known) / max(1, len(wanted - _GENERIC))
    if share < ENOUGH_OF_QUESTION:
        return None
    score = min(f.score for f in chosen) * (0.5 + 0.5 * share) * (1 - 0.4 * len(left) / max(1, len(wanted)))
    if operation == "look-up" and _unsaid(question, chosen):
        return None
    found = _worked_out(question, grid, operation, chosen, years, wanted - explained, score)
    return found if found is not None and found.score >= LEAST else None


def _unsaid(question: str, chosen: Sequence[_Fit]) -> bool:
    """True where the question asks for something worked out that no label says, and that is none of our operations."""
    labels = " ".join(f.row.label.text for f in chosen).lower()
    return any(m.group().lower() not in labels for m in _WORKED.finditer(question))


def _operation(question: str) -> Operation:
    if _EXCEEDING.search(question):
        return "exceeding"
    if _EXTREME.search(question):
        return "extreme"
    if _PERCENT_CHANGE.search(question):
        return "percent-change"
    if _RATIO.search(question):
        return "ratio"
    if _CHANGE.search(question) and len(_years(question)) == 2:
        return "change"
    if _AVERAGE.search(question):
        return "average"
    if _SUM.search(question) or (
        re.search(r"\btotal\b", question, re.I)
        and len(_years(question)) > 1
        and not re.search(r"\brespective(?:ly)?\b", question, re.I)
    ):
        return "sum"
    return "look-up"


def _rows(wanted: frozenset[str], grid: Grid, question: str) -> list[_Fit]:
    """The rows that the question may mean, best first."""
    often = Counter(t for row in grid.rows for t in frozenset(terms(row.label.text)))
    fits = []
    for row in grid.rows:
        label = frozenset(terms(_plain(row.label.text))) or frozenset(terms(row.label.text))
        if not label:
            continue
        weight = {t: 1 / often.get(t, 1) ** 0.5 for t in label}
        held = label & wanted
        covered = sum(weight[t] for t in held) / sum(weight.values())
        section = frozenset(terms(row.section))
        bonus = 0.12 * (len(section & wanted) / len(section)) if section else 0.0
        exact = 0.15 if _plain(row.label.text).lower() in question.lower() and len(label) > 0 else 0.0
        used = len(held - _GENERIC) / max(1, len(wanted - _GENERIC))
        if covered >= ENOUGH_OF_LABEL and held:
            fits.append(_Fit(row, 0.55 * covered + 0.3 * used + bonus + exact, held | (section & wanted)))
    return sorted(fits, key=lambda f: -f.score)


def _chosen_rows(fits: Sequence[_Fit], question: str, operation: Operation) -> tuple[_Fit, ...]:
    """The row meant, or the several that the question lists; none where two fit alike."""
    listed = _listed_rows(fits, question)
    if operation in ("sum", "average", "ratio", "look-up") and len(listed) > 1:
        return listed
    if operation == "ratio":
        return ()
    if len(fits) > 1 and fits[0].score - fits[1].score < CLEAR:
        return ()
    return tuple(fits[:1])


def _listed_rows(fits: Sequence[_Fit], question: str) -> tuple[_Fit, ...]:
    """The rows whose labels stand in the question word by word, in its order, none inside another."""
    lower = question.lower()
    spans: list[tuple[int, int, _Fit]] = []
    for fit in sorted(fits, key=lambda f: -len(f.row.label.text)):
        said = _plain(fit.row.label.text).lower()
        found = re.search(rf"(?<!\w){re.escape(said)}(?!\w)", lower) if len(said) > 3 else None
        if found and not any(a < found.end() and found.start() < b for a, b, _ in spans):
            spans.append((found.start(), found.end(), fit))
    return tuple(fit for _, _, fit in sorted(spans, key=lambda s: s[0]))


def _worked_out(
    question: str, grid: Grid, operation: Operation, fits: Sequence[_Fit], years: Sequence[int],
    left: frozenset[str], score: float,
) -> Found | None:  # fmt: skip
    rows = tuple(f.row for f in fits)
    if operation in ("extreme", "exceeding"):
        return _over_years(question, grid, operation, rows[0], score)
    columns = _columns(grid, years, left)
    if not columns:
        return None
    cells = [(row, c, row.cells[c]) for row in rows for c in columns]
    if any(cell is None or cell.number is None for _, _, cell in cells) and operation != "look-up":
        return None
    held = tuple(cell for _, _, cell in cells if cell is not None)
    if len(held) != len(cells):
        return None
    made = _calculated(operation, held, columns, grid, rows)
    if made is None:
        return None
    value, formula, used, percent = made
    return Found(operation, grid, used, rows, tuple(columns), score, value, formula, percent)


def _calculated(
    operation: Operation, cells: tuple[Cell, ...], columns: Sequence[int], grid: Grid, rows: tuple[GridRow, ...]
) -> tuple[Decimal | None, str, tuple[Cell, ...], bool] | None:
    """Value, formula, the cells in the formula's order, and whether the value counts percents."""
    numbers = [c.number for c in cells]
    if operation == "look-up":
        return (None, "", cells, False) if len(rows) == 1 or len(columns) == 1 else None
    if any(n is None for n in numbers):
        return None
    known = [n for n in numbers if n is not None]
    if operation in ("change", "percent-change"):
        if len(rows) != 1 or len(columns) != 2:
            return None
        late, early = sorted(zip(columns, cells, strict=True), key=lambda p: -max(grid.years(p[0]), default=0))
        new, old = late[1], early[1]
        assert new.number is not None and old.number is not None
        if operation == "change":
            return new.number - old.number, "a - b", (new, old), False
        return (
            ((new.number - old.number) / old.number * 100, "(a - b) / b * 100", (new, old), True)
            if old.number
            else None
        )
    names = "abcdefghijklmnopqrstuvwxyz"[: len(known)]
    if operation == "average" and len(known) > 1:
        return sum(known, Decimal(0)) / len(known), f"({' + '.join(names)}) / {len(known)}", cells, False
    if operation == "sum" and len(known) > 1:
        return sum(known, Decimal(0)), " + ".join(names), cells, False
    if operation == "ratio" and len(known) == 2 and len(columns) == 1 and known[1]:
        return (known[0] / known[1], "a / b", cells, False) if known[0] <= known[1] else None
    return None


def _over_years(question: str, grid: Grid, operation: Operation, row: GridRow, score: float) -> Found | None:
    """In which years a row's figure is the largest, or past a limit."""
    dated = [(min(grid.years(c)), c, cell) for c, cell in enumerate(row.cells)
             if cell is not None and cell.number is not None and len(grid.years(c)) == 1]  # fmt: skip
    if len(dated) < 2 or len({y for y, _, _ in dated}) != len(dated):
        return None
    columns = tuple(c for _, c, _ in dated)
    cells = tuple(cell for _, _, cell in dated)
    if operation == "extreme":
        how = _EXTREME.search(question)
        assert how is not None
        ordered = sorted(dated, key=lambda d: d[2].number or Decimal(0), reverse=how["how"].lower() not in _SMALL)
        return Found("extreme", grid, cells, (row,), columns, score, labels=(str(ordered[0][0]),))
    limit = _EXCEEDING.search(question)
    assert limit is not None
    bound, low = Decimal(limit["limit"].replace(",", "")), limit["how"].split()[0].lower() in _SMALL
    past = [d for d in dated if ((d[2].number or Decimal(0)) < bound) == low and d[2].number != bound]
    if limit["which"].lower().startswith("how many"):
        return Found("count", grid, cells, (row,), columns, score, value=Decimal(len(past)), formula="count")
    years = tuple(str(y) for y, _, _ in past)
    return Found("exceeding", grid, cells, (row,), columns, score, labels=years) if years else None


def _columns(grid: Grid, years: Sequence[int], left: frozenset[str]) -> tuple[int, ...]:
    """The columns meant: those of the years in the order asked, else the one that the left words name."""
    filled = [c for c in range(len(grid.columns)) if any(r.cells[c] for r in grid.rows)]
    if years:
        picked = []
        for year in years:
            held = [c for c in filled if year in grid.years(c)]
            best = _by_words(grid, held, left)
            if best is None:
                return ()
            picked.append(best)
        return tuple(picked)
    if any(grid.years(c) for c in filled) and len(filled) > 1:
        return ()
    best = _by_words(grid, filled, left)
    return (best,) if best is not None else ()


def _by_words(grid: Grid, columns: Sequence[int], left: frozenset[str]) -> int | None:
    """The only column, or the one whose header holds more of the left words than any other."""
    if len(columns) > 1 and "percentag" not in left and "percent" not in left:
        columns = [c for c in columns if not re.search(r"%|percent", grid.columns[c].split("(")[0], re.I)] or columns
    if len(columns) == 1:
        return columns[0]
    common = frozenset.intersection(*(frozenset(terms(grid.columns[c])) for c in columns)) if columns else frozenset()
    scored = sorted(((len((frozenset(terms(grid.columns[c])) - common) & left), c) for c in columns), reverse=True)
    if len(scored) > 1 and scored[0][0] > scored[1][0]:
        return scored[0][1]
    return None


def _years(question: str) -> tuple[int, ...]:
    found = [int(y) for y in _YEAR.findall(question)] or [2000 + int(y) for y in _SHORT_YEAR.findall(question)]
    between = _RANGE.search(question)
    if between and not _CHANGE.search(question):
        first, last = int(between[1]), int(between[2])
        step = 1 if last >= first else -1
        return tuple(range(first, last + step, step))
    return tuple(dict.fromkeys(found))


def _without_years(question: str) -> str:
    return _SHORT_YEAR.sub(" ", _YEAR.sub(" ", question))


def _plain(label: str) -> str:
    """A label without footnote marks and notes in brackets at its end."""
    return re.sub(r"\s*(?:\(\w{1,3}\)|\*+|\d)$", "", label.strip()).rstrip(":").strip() or label
