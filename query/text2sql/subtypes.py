"""Rules for tables that only say what kind a row of another table is: a loss payment is a claim amount whose key stands
in `loss_payment`. Such a table has no measure of its own; speaking of it means the amount of those rows."""

from __future__ import annotations

import re

from query.text2sql.draft import Draft
from query.text2sql.linking import Candidate
from query.text2sql.logical import ColumnRef, Part, Total
from query.text2sql.sentence import Symbol

_ITEM = r"T\d+(?: (?:C\d+|amounts?))?"
_SEVERAL = re.compile(rf"\b{_ITEM}(?:(?: ,)?(?: and)?(?: the)? {_ITEM})+")
_ONE = re.compile(
    r"\b(?P<total>total (?:amount |number )?(?:of )?(?:the )?)?(?P<table>T\d+)(?: (?P<amount>C\d+|amounts?))?\b"
)
_COLUMN = r"(?:(?:the|its|their|corresponding) )*(?:T\d+ (?=C))?[CT]\d+"
_LISTED = re.compile(rf"\bby ({_COLUMN}(?:(?: ,)?(?: and)? {_COLUMN})*)")
_SUMMED = re.compile(r"\b(?:sum|total) of (?:the )?$")
_DEFINED = re.compile(
    r"\b(?:total|average) (?:T\d+|[a-z]+)(?: amounts?)?(?P<rest>[^?.]*?) ?,? (?:which|where)(?: total| average)?"
    r"(?: T\d+| [a-z]+)? is (?:the )+(?:sum|total) of (?:the )?(?P<sum>A\d+)(?: amounts?)?"
)


def subtypes(draft: Draft) -> None:
    """ "expense reserve amount by claim number", "the sum of loss payment and loss reserve"."""
    kinds = {n: s for n in re.findall(r"\bT\d+", draft.sentence.text) if (s := _measure(draft, n)) is not None}
    if not kinds:
        return
    draft.sentence.take(
        re.compile(r"\b(T\d+) number of (?=[a-z]*\b)"), lambda m: f"{m[1]} of " if m[1] in kinds else None
    )
    if len({draft.candidate(n).table for n in kinds}) > 1:
        draft.sentence.take(_SEVERAL, lambda m: _several(draft, m, kinds))
        draft.sentence.take(_DEFINED, lambda m: f"{m['sum']} {m['rest']}")
    elif len(kinds) == 1:
        draft.sentence.take(_ONE, lambda m: _one(draft, m, kinds))
    folded = re.search(r"\b(?:total|average|sum|maximum|minimum|howmany|each)\b|[\^~]", draft.sentence.text)
    if not folded and not any(isinstance(s.expression, Total) for s in draft.sentence.symbols.values()):
        draft.sentence.take(_LISTED, lambda m: _listed(draft, m))


def _measure(draft: Draft, name: str) -> ColumnRef | None:
    """The amount of the rows that a table of one kind of them lists; None for any other table."""
    table = draft.table(draft.candidate(name).table)
    if table is None or len(table.key) != 1 or any(c.role == "measure" for c in table.columns):
        return None
    parent = next(
        (j for j in draft.catalogue.joins if (j.left, j.left_columns) == (table.name, table.key) and j.right != j.left),
        None,
    )
    held = draft.table(parent.right) if parent else None
    if parent is None or held is None or held.key != parent.right_columns or len(table.columns) > 2:
        return None
    return draft.measure_of(held.name)


def _one(draft: Draft, match: re.Match[str], kinds: dict[str, ColumnRef]) -> str | None:
    ref = kinds.get(match["table"])
    if ref is None:
        return None
    amount = match["amount"]
    if amount and amount.startswith("C") and draft.candidate(amount).table != ref.table:
        return None
    name = f"C{len(draft.sentence.symbols)}"
    found = Candidate("column", ref.table, (ref.column,))
    draft.sentence.symbols[name] = Symbol(name, candidate=found, text="amount")
    draft.context.append(draft.candidate(match["table"]).table)
    draft.notes.append("subtype")
    return f" {'total' if match['total'] else ''} {name} "


def _several(draft: Draft, match: re.Match[str], kinds: dict[str, ColumnRef]) -> str | None:
    names = re.findall(r"T\d+", match.group())
    measures = [kinds.get(n) for n in names]
    if len(names) < 2 or any(m is None or m != measures[0] for m in measures):
        return None
    measure = next(m for m in measures if m is not None)
    owner = _owner(draft, measure.table)
    if owner is None:
        return None
    parts = tuple(Part(measure, draft.candidate(n).table, owner) for n in names)
    draft.notes.append("subtype")
    before = match.string[: match.start()]
    if not _SUMMED.search(before):
        return " , ".join(draft.sentence.add("A", p) for p in parts)
    function = "avg" if re.search(r"\baverage\b", before) else "sum"
    return draft.sentence.add("A", Total(parts, function))  # type: ignore[arg-type]


def _owner(draft: Draft, table: str) -> str | None:
    """The table whose rows the amounts belong to: the one that the question speaks of, else the first."""
    owners = [j.right for j in draft.catalogue.joins if j.left == table and len(j.left_columns) == 1]
    owners = [o for o in owners if draft.table(o) is not None and o != table]
    spoken = {c.table for s in draft.sentence.symbols.values() if (c := s.candidate) is not None}
    return next((o for o in owners if o in spoken), next(iter(owners), None))


def _listed(draft: Draft, match: re.Match[str]) -> str:
    """ "by claim number": beside the amount, not summed."""
    for name in re.findall(r"C\d+|T\d+(?! C)", match[1]):
        refs = draft.refs(name) if name.startswith("C") else draft.names_of(draft.candidate(name).table)
        draft.select.extend((match.start(), r) for r in refs)
    return " ¦ "
