"""Rules for what is computed: counts, sums, averages, extremes, shares. Each leaves a symbol A in the sentence."""

from __future__ import annotations

import re

from query.text2sql.draft import Draft
from query.text2sql.logical import Aggregate, Condition, Expression, Function, Query, Ratio, Share
from query.text2sql.tokens import stem, stems_of

DET = r"(?:(?:the|a|an|all|their|its|his|her|of|these|those|any|our) )*"
_FUNCTIONS: dict[str, Function] = {
    "average": "avg", "total": "sum", "sum": "sum", "sum of": "sum", "overall": "sum", "combined": "sum",
    "maximum": "max", "minimum": "min", "^": "max", "~": "min",
}  # fmt: skip
_WORD = r"(?:average|total|sum of|sum|overall|combined|maximum|minimum)"
_NESTED = re.compile(
    rf"\b(C\d+) (?:[a-z]+ ){{0,3}}?(>=?|<=?|!=) {DET}(average|maximum|minimum)(?: {DET}C\d+)?(?: (?:of|for|among|across) {DET}T\d+)?(?! (?:number|C))"
)
_NESTED_BEFORE = re.compile(
    rf"(>=?|<=?|above|below) {DET}(average)(?: (?:of|in|value of))? {DET}(C\d+)(?: (?:of|for|among|across) {DET}T\d+)?"
)
_COUNT = re.compile(rf"\b(howmany|(?:total )?number of|count(?: number of)?) ((?:(?:the|all|total|of|different|[VK]\d+|other|their|its|our) )*)([TCM]\d+)")
_AGGREGATE = re.compile(
    rf"((?:{_WORD})(?:(?: ,| and| or)+ (?:the )?(?:{_WORD}))*) (?:value of |values of |amount of |for )?{DET}(C\d+)"
    rf"((?:(?: ,)?(?: and)? (?:the )?C\d+)*)(?! (?:[<>]|!=))"
)
_TOTAL_METRIC = re.compile(r"\b(?:total|overall|combined|sum of|gross|amount of|value of)(?: the)? (M\d+)")
_SHARE = re.compile(
    rf"\b(?:what |which )?(?:percentage|percent|proportion|share|fraction|ratio)(?: of)? {DET}(T\d+|V\d+ T\d+|K\d+ T\d+)\b"
)


def nested_averages(draft: Draft) -> None:
    """ "age above the average" compares each row with an aggregate of all rows."""

    def compared(name: str, operator: str, function: str) -> str | None:
        ref = draft.refs(name)[0]
        if not draft.numeric(ref):
            return None
        inner = Query(ref.table, (Aggregate(_FUNCTIONS[function], ref.table, ref),))
        return draft.keep(Condition(ref, operator, inner))  # type: ignore[arg-type]

    draft.sentence.take(_NESTED, lambda m: compared(m[1], m[2], m[3]))
    draft.sentence.take(
        _NESTED_BEFORE, lambda m: compared(m[3], {"above": ">", "below": "<"}.get(m[1], m[1]), m[2])
    )


def shares(draft: Draft) -> None:
    """ "what percentage of customers are ..." is the part of the rows that meets the conditions."""

    def share(match: re.Match[str]) -> str:
        name = re.findall(r"T\d+", match[1])[0]
        table = draft.candidate(name).table
        for narrow in re.findall(r"[VK]\d+", match[1][: match[1].index(name)]):
            draft.where.append(draft.base_condition(narrow))
        draft.heads.append(table)
        draft.share = True
        draft.notes.append("share")
        return f" {draft.sentence.add('A', Share(Aggregate('count', table)))} ¦ "

    draft.sentence.take(_SHARE, share)

    def part(match: re.Match[str]) -> str | None:
        found = draft.expressions(match[1])[0]
        if isinstance(found, Aggregate) or match[1].startswith("M"):
            draft.share = True
            return draft.sentence.add("A", Share(found))  # type: ignore[arg-type]
        return None

    draft.sentence.take(re.compile(r"\b(?:percentage|percent|proportion|share)(?: of)?(?: the)?(?: total)?(?: ¦)?(?: our)? ([MA]\d+)"), part)


def counts(draft: Draft) -> None:
    """ "how many T", "number of T", "number of different C"."""

    def counted(match: re.Match[str]) -> str | None:
        word, between, name = match[1], match[2], match[3]
        different = "different" in between
        kept = " ".join(re.findall(r"[VK]\d+", between))
        if name.startswith("M"):
            return f"{kept} {name}"
        candidate = draft.candidate(name)
        if name.startswith("T"):
            draft.heads.append(candidate.table)
            expression: Expression = Aggregate("count", candidate.table, distinct=different)
        else:
            ref = draft.refs(name)[0]
            column = draft.column(ref)
            if column is not None and not different and column.role == "measure":
                if "total" in between or "total" in word or "each" in draft.sentence.text.split():
                    return f"{kept} {draft.sentence.add('A', Aggregate('sum', ref.table, ref))}"
                return f"{kept} {name}"
            if draft.is_name(ref) and not different:
                expression = Aggregate("count", ref.table)
            else:
                expression = Aggregate("count", ref.table, ref, distinct=True)
        draft.notes.append("count")
        return f"{draft.sentence.add('A', expression)} {kept}"

    draft.sentence.take(_COUNT, counted)


def averages_per(draft: Draft) -> None:
    """ "average number of orders per customer", "average revenue per order"."""

    def ratio(match: re.Match[str]) -> str:
        left = draft.expressions(match[1])[0]
        table = draft.candidate(match[2]).table
        draft.heads.append(table)
        return draft.sentence.add("A", Ratio(left, Aggregate("count", table, distinct=True)))

    draft.sentence.take(re.compile(rf"\baverage (?:number of )?{DET}([TM]\d+)(?: [a-z]+)? (?:each|a) (T\d+)"), ratio)


def how_much(draft: Draft) -> None:
    """ "how much" asks for money: the metric or the amount of what the question speaks of; "how often" for a count."""
    text = draft.sentence.text
    often = re.search(r"\bhowoften\b", text)
    if often:
        names = re.findall(r"[CT]\d+", text)
        if names:
            table = draft.candidate(names[-1]).table
            made = draft.sentence.add("A", Aggregate("count", table))
            draft.sentence.take(re.compile(r"\bhowoften\b"), lambda m: f" {made} ")
        return
    if not re.search(r"\bhowmuch\b", text):
        return
    found = None if re.search(r"[M]\d+", text) else _money(draft, text)
    made = draft.sentence.add("A", found) if found is not None else ""
    draft.sentence.take(re.compile(r"\bhowmuch\b"), lambda m: f" {made} ")


def _money(draft: Draft, text: str) -> Expression | None:
    if re.search(r"\b(?:buy|bought|spend|spent|sell|sold|purchase|order)\b", text):
        for metric in draft.catalogue.metrics:
            if {stem(w) for w in ("revenue", "sales")} & {s for t in (metric.label, *metric.synonyms) for s in stems_of(t)}:
                return draft.metric(metric.name)
    tables = [draft.candidate(n).table for n in re.findall(r"[TKC]\d+", draft.sentence.original) if n in draft.sentence.symbols]
    for table in dict.fromkeys(tables):
        ref = draft.measure_of(table)
        if ref is not None:
            return Aggregate("sum", table, ref)
    return None


def extremes(draft: Draft) -> None:
    """ "the largest and smallest C" are two aggregates."""

    def both(match: re.Match[str]) -> str | None:
        ref = draft.refs(match[3])[0]
        made = [draft.sentence.add("A", Aggregate(_FUNCTIONS[w], ref.table, ref)) for w in (match[1], match[2])]
        return " , ".join(made)

    draft.sentence.take(re.compile(rf"(\^|~) (?:and|or) (?:the )?(\^|~) {DET}(C\d+)"), both)


def pronouns(draft: Draft) -> None:
    """ "how many of them", "and the count": a count of whatever the question is about."""
    draft.sentence.take(_THEM, lambda m: f" {draft.sentence.add('A', Aggregate('count', ''))} ")


_THEM = re.compile(
    r"\bhowmany (?:of (?:them|those|these)|are there|there are|times)\b|\bnumber of (?:them|times|records|rows|entries|occurrences|appearances)\b"
    r"|\b(?:and|with|,) (?:the |its |their |corresponding )*(?:counts?|numbers?|number of each|total number)(?= *(?:$|[.?,¦]|each|in each|for each))"
)


def aggregates(draft: Draft) -> None:
    """ "average C", "minimum and maximum C", "total C1 and C2"."""
    draft.sentence.take(_TOTAL_METRIC, lambda m: m[1])

    def folded(match: re.Match[str]) -> str | None:
        functions = [_FUNCTIONS[w] for w in re.findall(_WORD, match[1])]
        names = [match[2], *re.findall(r"C\d+", match[3])]
        usable = []
        for name in names:
            ref = draft.refs(name)[0]
            fine = draft.numeric(ref) or (draft.temporal(ref) and not {"avg", "sum"} & set(functions))
            if not fine:
                break
            usable.append(ref)
        if not usable:
            return None
        rest = " ".join(f", {n}" for n in names[len(usable) :])
        made = [
            draft.sentence.add("A", Aggregate(function, ref.table, ref)) for ref in usable for function in functions
        ]
        draft.notes.append("aggregate")
        return " , ".join(made) + (" " + rest if rest else "")

    draft.sentence.take(_AGGREGATE, folded)


def extreme(operator: str) -> Function:
    """The aggregate of a superlative: max for `^`, min for `~`."""
    return _FUNCTIONS[operator]
