"""How a score and its reasons are worded and cited."""

from __future__ import annotations

from collections.abc import Sequence
from string import Formatter

from index.catalogue.model import Catalogue, Feature, Score
from index.sql import Rows
from query.evidence import Citation, CitationBook, Contribution, EntityScore, Sentence, Slot, TableEvidence
from query.format import number, write
from query.proof.provenance import source_of
from query.scoring.model import FeatureValue

MOST_ROWS_CITED = 3


def worded(label: str, value: FeatureValue) -> tuple[str, str, str, str]:
    """A feature's label with its value: the words before, the value as written, the words after, and its style."""
    before, after, style, seen = "", "", "number:1", False
    for text, name, spec, _ in Formatter().parse(label):
        before, after = (before, after + text) if seen else (before + text, after)
        if name is not None and not seen:
            seen, style = True, _style(spec or "", value)
    after = after.replace("(s)", "" if value == 1 else "s")  # "{value} ticket(s)"
    return (before, write(value, style), after, style) if seen else (label, "", "", "")


def _style(spec: str, value: FeatureValue) -> str:
    """The style of a format specification: `.0%` and `,.0f` as in Python; plain `{value}` shows one decimal at most."""
    if isinstance(value, str):
        return "text"
    if spec in STYLES_OF_SPEC:
        return STYLES_OF_SPEC[spec]
    if spec.endswith("%"):
        return f"percent:{_decimals(spec)}"
    if spec.endswith("f") or spec.endswith("d"):
        return f"number:{_decimals(spec)}"
    return "int" if number(value, 1).endswith(".0") else "number:1"


STYLES_OF_SPEC = {"fall": "fall", "rise": "rise", "percent": "percent", "points": "points", "money": "money"}


def _decimals(spec: str) -> int:
    digits = "".join(c for c in spec.partition(".")[2] if c.isdigit())
    return int(digits) if digits else 0


def reason_text(feature: Feature, value: FeatureValue) -> str:
    """How one reason reads."""
    return "".join(worded(feature.label, value)[:3])


def cited_reason(
    contribution: Contribution, scored: EntityScore, score: Score, catalogue: Catalogue, book: CitationBook
) -> Sentence:
    """A reason as a sentence whose value is a slot that cites the query behind it."""
    feature = next(f for f in score.features if f.name == contribution.feature)
    before, written, after, style = worded(feature.label, contribution.value)
    table = catalogue.table(contribution.table)
    source = source_of(table) or scored.score
    citation = book.cite(
        "aggregate", source, sql=contribution.sql, column="value", value=contribution.value, table=contribution.table
    )
    if not written:  # a label without a value still shows where it comes from
        return Sentence((Slot(before, before, citation),), "bullet")
    return Sentence((before, Slot(written, contribution.value, citation, style), after), "bullet")


def cited_rows(contribution: Contribution, catalogue: Catalogue, book: CitationBook) -> tuple[Citation, ...]:
    """The first rows behind a reason (tickets, invoices, weeks of use), each cited as a row."""
    table = catalogue.table(contribution.table)
    if table is None or len(table.key) != 1:
        return ()
    keys = contribution.keys[:MOST_ROWS_CITED]
    return tuple(book.cite("row", source_of(table), table=table.name, key=key) for key in keys)


def score_slot(scored: EntityScore, book: CitationBook) -> Slot:
    """The probability as a percentage that cites the score; near certainty with a decimal, for nothing is certain."""
    citation = book.cite("score", scored.model_version, table=scored.score, key=scored.key, value=scored.probability)
    style = "percent" if 0.01 < scored.probability < 0.99 else "percent:1"
    return Slot(write(scored.probability, style), scored.probability, citation, style)


def contribution_evidence(scores: Sequence[EntityScore]) -> tuple[TableEvidence, ...]:
    """What the reasons of `scores` cite, as evidence for the checker: one value a reason."""
    return tuple(
        TableEvidence(
            f"{scored.score}:{scored.key}:{c.feature}", c.sql, c.sql, Rows(("value",), ((c.value,),)),
            (c.table,) if c.table else (), purpose="score",
        )
        for scored in scores
        for c in scored.contributions
        if c.sql
    )  # fmt: skip
