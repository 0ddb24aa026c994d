"""Rules for what is computed: counts, sums, averages, extremes, shares. Each leaves a symbol A in the sentence."""

from __future__ import annotations

import re

from query.text2sql.draft import Draft
from query.text2sql.logical import (
    Aggregate,
    ColumnRef,
    Condition,
    Expression,
    Function,
    Query,
    Ratio,
    Share,
    predicate_tables,
)
from query.text2sql.moments import participle
from query.text2sql.tokens import stem, stems_of

DET = r"(?:(?:the|a|an|all|their|its|his|her|of|these|those|any|our) )*"
_FUNCTIONS: dict[str, Function] = {
    "average": "avg", "total": "sum", "sum": "sum", "sum of": "sum", "overall": "sum", "combined": "sum",
    "maximum": "max", "minimum": "min", "^": "max", "~": "min",
}  # fmt: skip
_WORD = r"(?:average|total|sum of|sum|overall|combined|maximum|minimum)"
_NESTED = re.compile(
    rf"\b(C\d+) (?:[a-z]+ ){{0,3}}?(>=?|<=?|!=) {DET}(average|maximum|minimum)(?: {DET}C\d+"
    rf")?(?: (?:of|for|among|across) {DET}T\d+)?(?! (?:number|C))"
)
_NESTED_BEFORE = re.compile(
    rf"(>=?|<=?|above|below) {DET}(average)(?: (?:of|in|value of))? {DET}(C\d+)(?: (?:of|for"
    rf"|among|across) {DET}T\d+)?"
)
_COUNT = re.compile(
    r"\b(howmany|(?:total )?number of|count(?: number of)?) ((?:(?:the|all|total|of|different"
    r"|[VK]\d+|other|their|its|our) )*)([TCM]\d+)"
)
_PER = re.compile(
    r"^((?:show|list|give|me|what|are|the|our) ){0,3}((?:[VK]\d+ )*T\d+ (?=(?:¦ )?each (?:[VK]\d+ )*[CT]\d+))"
)
_FOLDED_NUMBER = re.compile(rf"\b(average|maximum|minimum) (?:total )?number of {DET}(?=(C\d+))")
_METRIC_TOO = re.compile(rf"\b({_WORD})((?: ,)?(?: and| or) (?:the )?)(M\d+)")
_VALUES_COUNTED = re.compile(rf"\b(?:howmany|(?:total )?number of|count) {DET}((?:F\d+(?: (?:and|or))? ?)+)(?!T\d|C\d)")
_PARTICIPLE = re.compile(
    rf"\b(howmany|(?:total )?number of) {DET}T\d+ (?:(?:that|who|they|it|he|she|were|was|are|is|have|had|been|got) )*"
    r"(C\d+)\b"
)
_AGGREGATE = re.compile(
    rf"((?:{_WORD})(?:(?: ,| and| or)+ (?:the )?(?:{_WORD}))*) (?:value of |values of |amount of |for )?{DET}(C\d+)"
    rf"((?:(?: ,)?(?: and)? (?:the )?C\d+)*)"
)
_SPREAD = re.compile(r"\b(C\d+)((?: (?:of|is|are|was|were|due|T\d+|[F¦]\d*))* (?:each|by) C\d+)")
_TOTAL_METRIC = re.compile(r"\b(?:total|overall|combined|sum of|gross|amount of|value of)(?: the)? (M\d+)")
_FOLDED_METRIC = re.compile(r"\b(average|maximum|minimum)(?: number of)?(?: the| of)*(?: C\d+)? (M\d+)")
_TOTAL_TABLE = re.compile(rf"\b(?:total|sum of|combined|overall) {DET}(T\d+)\b")
_SHARE = re.compile(
    rf"\b(?:what |which )?(?:percentage|percent|proportion|share|fraction|ratio)(?: of)?"
    rf" {DET}(?:(¦) )?{DET}(T\d+|V\d+ T\d+|K\d+ T\d+)\b"
)
_SHARE_IN = re.compile(
    rf"\b(?:percentage|percent|proportion|share|fraction)(?: of| from)? {DET}((?:[VK]\d+ )+)(?:T\d+ )?"
    rf"(?:in|of|on|from) {DET}(?:total |overall |whole )?([MA]\d+)\b"
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
    draft.sentence.take(_NESTED_BEFORE, lambda m: compared(m[3], {"above": ">", "below": "<"}.get(m[1], m[1]), m[2]))


def shares(draft: Draft) -> None:
    """ "what percentage of customers are ..." is the part of the rows that meets the conditions."""

    def share(match: re.Match[str]) -> str:
        name = re.findall(r"T\d+", match[2])[0]
        table = draft.candidate(name).table
        for narrow in re.findall(r"[VK]\d+", match[2][: match[2].index(name)]):
            draft.where.append(draft.base_condition(narrow))
        draft.heads.append(table)
        draft.share = True
        draft.notes.append("share")
        return f" {draft.sentence.add('A', Share(Aggregate('count', table)))} ¦ "

    draft.sentence.take(_SHARE_IN, lambda m: f" percentage of {m[2]} from {m[1]}")  # "of EMEA customers in revenue"
    draft.sentence.take(_SHARE, share)

    def part(match: re.Match[str]) -> str | None:
        found = draft.expressions(match[1])[0]
        if isinstance(found, Aggregate) or match[1].startswith("M"):
            draft.share = True
            return draft.sentence.add("A", Share(found))  # type: ignore[arg-type]
        return None

    draft.sentence.take(
        re.compile(r"\b(?:percentage|percent|proportion|share)(?: of)?(?: the)?(?: total)?(?: ¦)?(?: our)? ([MA]\d+)"),
        part,
    )


def refolds(draft: Draft) -> None:
    """ "average invoice amount", where the metric of that name is a sum."""
    draft.sentence.take(_FOLDED_METRIC, lambda m: _refolded(draft, m[1], m[2]))


def on_average(draft: Draft) -> None:
    """ "how satisfied were ..., on average"."""
    if not re.search(r"\bon average\b", draft.sentence.text) or re.search(r"\bA\d+", draft.sentence.text):
        return
    for name in re.findall(r"\b[CM]\d+", draft.sentence.text):
        if name.startswith("M"):
            made = refold(draft, "avg", name)
        else:
            ref = draft.refs(name)[0]
            made = Aggregate("avg", ref.table, ref) if draft.numeric(ref) else None
        if made is not None:
            symbol = draft.sentence.add("A", made)
            draft.sentence.text = re.sub(rf"\b{name}\b", symbol, draft.sentence.text)
            draft.sentence.take(re.compile(r",? ?\bon average\b"), lambda m: "")
            return


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
            measure = draft.measure_of(candidate.table) if "amount of" in draft.sentence.question else None
            expression: Expression = Aggregate("count", candidate.table, distinct=different)
            own = _of_its_name(draft, candidate.table)
            if own is not None and not different:
                expression = Aggregate("sum", candidate.table, own)
            if measure is not None and not different and "number of" not in draft.sentence.question:
                expression = Aggregate("sum", candidate.table, measure)
        else:
            ref = draft.refs(name)[0]
            column = draft.column(ref)
            if column is not None and not different and column.role == "measure" and word == "howmany":
                return f"{kept} {draft.sentence.add('A', Aggregate('sum', ref.table, ref))}"
            if column is not None and not different and column.role == "measure":
                if "total" in between or "total" in word or "each" in draft.sentence.text.split():
                    return f"{kept} {draft.sentence.add('A', Aggregate('sum', ref.table, ref))}"
                return f"{kept} {name}"
            if "amount of" in draft.sentence.question and not different:
                draft.penalty += 3.0  # an amount of texts is no number of them
            if draft.is_name(ref) and not different:
                expression = Aggregate("count", ref.table)
            else:
                expression = Aggregate("count", ref.table, ref, distinct=True)
        draft.notes.append("count")
        return f"{draft.sentence.add('A', expression)} {kept}"

    if re.search(r"\bper\b", draft.sentence.question) and not re.search(r"\b[AM]\d", draft.sentence.text):
        draft.sentence.take(_PER, lambda m: f"{m[1] or ''}howmany {m[2]}")  # "orders per warehouse"
    draft.sentence.take(_FOLDED_NUMBER, lambda m: f"{m[1]} " if _measures(draft, m[2]) else None)
    draft.sentence.take(_COUNT, counted)


def _of_its_name(draft: Draft, table: str) -> ColumnRef | None:
    """The measure that is called like its table: a row of `degrees` holds how many `degrees` there were."""
    held = draft.table(table)
    for column in held.columns if held else ():
        if column.role == "measure" and held is not None and stems_of(column.name) == stems_of(held.name):
            return ColumnRef(table, column.name)
    return None


def _measures(draft: Draft, name: str) -> bool:
    column = draft.column(draft.refs(name)[0])
    return column is not None and column.role == "measure"


def counts_of_values(draft: Draft) -> None:
    """ "how many female professors are there", where both words are stored values: the rows that hold them."""
    if re.search(r"\b[AM]\d+", draft.sentence.text) or (draft.catalogue.terms and draft.sentence.left()):
        return  # over a reviewed catalogue a word that nothing explains is not passed over

    def counted(match: re.Match[str]) -> str | None:
        name = re.findall(r"F\d+", match[1])[-1]
        table = next((t for p in draft.filters[name] for t in sorted(predicate_tables(p))), None)
        if table is None:
            return None
        draft.heads.append(table)
        draft.notes.append("count")
        return f" {draft.sentence.add('A', Aggregate('count', table))} {match[1]}"

    draft.sentence.take(_VALUES_COUNTED, counted)


def participles(draft: Draft) -> None:
    """ "number of people injured", where `injured` is a number of people."""

    def counted(match: re.Match[str]) -> str | None:
        ref = draft.refs(match[2])[0]
        column = draft.column(ref)
        if column is None or column.role != "measure" or not participle(draft.symbol(match[2]).text.lower()):
            return None
        if match[1] == "howmany":
            return f" {draft.sentence.add('A', Aggregate('sum', ref.table, ref))} "
        return f" {match[2]} "

    draft.sentence.take(_PARTICIPLE, counted)


def averages_per(draft: Draft) -> None:
    """ "average number of orders per customer", "average revenue per order"."""

    def ratio(match: re.Match[str]) -> str | None:
        left = draft.expressions(match[1])[0]
        if _called_as_column(draft, match[1]):
            return None  # "average invoice amount per customer" is the average of each one's amounts
        table = draft.candidate(match[2]).table
        draft.heads.append(table)
        return draft.sentence.add("A", Ratio(left, Aggregate("count", table, distinct=True)))

    draft.sentence.take(re.compile(rf"\baverage (?:number of )?{DET}([TM]\d+)(?: [a-z]+)? (?:each|a) (T\d+)"), ratio)


def _called_as_column(draft: Draft, name: str) -> bool:
    """True for a metric that is called as the column is that it sums: amounts, which rows have, and not revenue."""
    summed = refold(draft, "avg", name) if name.startswith("M") else None
    column = draft.column(summed.argument) if summed is not None and isinstance(summed.argument, ColumnRef) else None
    called = {s for text in (column.label, *column.synonyms) for s in stems_of(text)} if column is not None else set()
    return bool(called & set(stems_of(draft.symbol(name).text)))


def _refolded(draft: Draft, function: str, name: str) -> str | None:
    """ "average invoice amount" of a metric that sums a column is the column's average."""
    made = refold(draft, _FUNCTIONS[function], name)
    return draft.sentence.add("A", made) if made is not None else None


def refold(draft: Draft, function: Function, name: str) -> Aggregate | None:
    """Another aggregate of the column that a metric sums; None for other metrics."""
    metric = draft.metric(draft.candidate(name).target)
    match = re.fullmatch(r'SUM\("?([^"()]+)"?\)', metric.sql.strip(), re.IGNORECASE)
    return Aggregate(function, metric.table, ColumnRef(metric.table, match[1])) if match else None


def _summed(draft: Draft, name: str) -> str | None:
    """ "total payments" is the sum of their amounts, where they have one."""
    table = draft.candidate(name).table
    ref = draft.measure_of(table)
    if ref is None:
        return None
    draft.heads.append(table)
    return draft.sentence.add("A", Aggregate("sum", table, ref))


def spread_measures(draft: Draft) -> None:
    """ "overdue amount per region": a measure for each of something else is a sum."""
    text = draft.sentence.text
    if re.search(r"[AM]\d+|\^|~", text) or not re.search(r"\b(?:each|by) C\d+", text):
        return

    def summed(match: re.Match[str]) -> str | None:
        ref = draft.refs(match[1])[0]
        column = draft.column(ref)
        if column is None or column.role != "measure" or not draft.numeric(ref):
            return None
        return draft.sentence.add("A", Aggregate("sum", ref.table, ref)) + match[2]

    draft.sentence.take(_SPREAD, summed)


def sold(draft: Draft) -> None:
    """ "how many tents did we sell": pieces, not money; "how many different products were sold": products."""
    for name in re.findall(r"\bM\d+", draft.sentence.text):
        if stem(draft.symbol(name).text) != "sell":
            continue
        if re.search(r"\bhowmany (?:different )+T\d+", draft.sentence.text):
            metric = draft.metric(draft.candidate(name).target)
            draft.event = metric.time
            draft.event_table = metric.table
            draft.sentence.take(re.compile(rf"\b{name}\b"), lambda m: "¦")
            return
        if not re.search(r"\bhowmany\b", draft.sentence.text):
            continue
        for metric_ in draft.catalogue.metrics:
            words = {s for t in (metric_.label, *metric_.synonyms) for s in stems_of(t)}
            if {stem("units"), stem("pieces"), stem("quantity")} & words:
                made = draft.sentence.add("A", draft.metric(metric_.name))
                draft.sentence.take(re.compile(r"\bhowmany\b"), lambda m, made=made: f"{made}")  # type: ignore[misc]
                draft.sentence.take(re.compile(rf"\b{name}\b"), lambda m: "")
                return


def how_much(draft: Draft) -> None:
    """ "how much" asks for money: the metric or the amount of what the question speaks of;"
    " "how often" for a count."""
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
            if {stem(w) for w in ("revenue", "sales")} & {
                s for t in (metric.label, *metric.synonyms) for s in stems_of(t)
            }:
                return draft.metric(metric.name)
    tables = [
        draft.candidate(n).table
        for n in re.findall(r"[TKC]\d+", draft.sentence.original)
        if n in draft.sentence.symbols
    ]
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

    def twice(match: re.Match[str]) -> str | None:
        if draft.refs(match[2]) != draft.refs(match[4]):
            return None
        ref = draft.refs(match[2])[0]
        made = [draft.sentence.add("A", Aggregate(_FUNCTIONS[w], ref.table, ref)) for w in (match[1], match[3])]
        return " , ".join(made)

    draft.sentence.take(re.compile(rf"(\^|~) {DET}(C\d+)(?: ,)?(?: and)? (?:the )?(\^|~) {DET}(C\d+)"), twice)


def pronouns(draft: Draft) -> None:
    """ "how many of them", "and the count": a count of whatever the question is about."""
    draft.sentence.take(_THEM, lambda m: f" {draft.sentence.add('A', Aggregate('count', ''))} ")


_THEM = re.compile(
    r"\bhowmany (?:of (?:them|those|these)|are there|there are|times|(?:does|do|did) (?:he"
    r"|she|it|they|each)(?: have)?)\b|\bhowmany(?="
    r" *(?:and\b|[,.?]|$))|\bnumber of (?:them|times|records|rows|entries|occurrences"
    r"|appearances)\b"
    r"|\b(?:and|with|,) (?:the |its |their |corresponding )*(?:counts?|numbers?|number of"
    r" each|total number)(?= *(?:$|[.?,¦]|each|in each|for each))"
)


def aggregates(draft: Draft) -> None:
    """ "average C", "minimum and maximum C", "total C1 and C2"."""
    draft.sentence.take(_METRIC_TOO, lambda m: _metric_too(draft, m))
    draft.sentence.take(_TOTAL_METRIC, lambda m: m[1])
    draft.sentence.take(_TOTAL_TABLE, lambda m: _summed(draft, m[1]))

    def folded(match: re.Match[str]) -> str | None:
        functions = [_FUNCTIONS[w] for w in re.findall(_WORD, match[1])]
        names = [match[2], *re.findall(r"C\d+", match[3])]
        usable = []
        for name in names:
            ref = draft.refs(name)[0]
            fine = draft.numeric(ref) or draft.digits(ref) or not {"avg", "sum"} & set(functions)
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
    draft.sentence.take(_DIVIDED, lambda m: _divided(draft, m))


def _metric_too(draft: Draft, match: re.Match[str]) -> str | None:
    """ "the average and total amount", where "total amount" is a metric."""
    made = refold(draft, _FUNCTIONS[match[1]], match[3])
    return f"{draft.sentence.add('A', made)} , {match[3]}" if made is not None else None


_DIVIDED = re.compile(
    r"(?:\b(?:average|ratio|rate)\b[^?.,]*?(?: ,)? which is )?(?:the )*(A\d+) divided by (?:the )*(A\d+)"
)


def _divided(draft: Draft, match: re.Match[str]) -> str:
    """ "the total amount divided by the number of orders"."""
    left, right = (draft.expressions(n)[0] for n in (match[1], match[2]))
    if isinstance(right, Aggregate) and right.argument is None:
        right = Aggregate("count", right.table, distinct=True)
    draft.notes.append("ratio")
    return f" {draft.sentence.add('A', Ratio(left, right))} "


def extreme(operator: str) -> Function:
    """The aggregate of a superlative: max for `^`, min for `~`."""
    return _FUNCTIONS[operator]
