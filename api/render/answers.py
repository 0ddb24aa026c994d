"""Answers, plans, passages, scores and drafts for a terminal, and their JSON where it is not the value itself.

Text that came from data is printed without markup, so that a bracket in it cannot change the page.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from api.encode import plain
from api.render.hits import hit_lines, notices
from api.render.hits import hits_json as hits_json

if TYPE_CHECKING:
    from rich.console import Console

    from index.documents import Passage
    from index.guard.guard import GuardedQuery
    from index.sql import Rows
    from query.answer import Answer, SqlView
    from query.evidence import EntityScore
    from query.plan import Link, Plan

SHOWN_ROWS = 20
SHOWN_CITATIONS = 40
SHOWN_DRAFTS = 2
SHOWN_IMAGES = 3
SHOWN_SQL = 160  # characters of a query in the list of sources; --json has it whole


def render_answer(console: Console, answer: Answer) -> None:
    """The answer, its rows, drafts, citations, notices and a line with route and time."""
    if answer.carried:
        line(console, f"read as: {answer.carried}", "dim")
    _markdown(console, answer.answer)
    for query in untold_queries(answer):
        console.print(_grid(query.columns, query.rows, query.row_count))
    for draft in answer.drafts[:SHOWN_DRAFTS]:
        render_draft(console, draft.model_dump())
    if len(answer.drafts) > SHOWN_DRAFTS:
        line(console, f"and {len(answer.drafts) - SHOWN_DRAFTS} more drafts: tower drafts list", "dim")
    for image in answer.images[:SHOWN_IMAGES]:
        line(console, f"image: {image.get('path') or image.get('uri') or image.get('title') or ''}")
    if len(answer.images) > SHOWN_IMAGES:
        line(console, f"and {len(answer.images) - SHOWN_IMAGES} more images beside them", "dim")
    if answer.citations:
        _citations(console, [citation.model_dump() for citation in answer.citations])
    for notice in answer.notices:
        line(console, f"note: {notice}", "yellow")
    if answer.withheld:
        withheld = ", ".join(f"{count} {what}" for what, count in answer.withheld.items())
        line(console, f"withheld by policy: {withheld}", "yellow")
    total = answer.timings_ms.get("total", sum(answer.timings_ms.values()))
    line(
        console,
        f"{answer.route.path} · confidence {answer.route.confidence:.2f} · {total:,.0f} ms"
        f" · as of {answer.as_of} · {answer.id}",
        "dim",
    )


def untold_queries(answer: Answer) -> list[SqlView]:
    """The results that are worth showing beside the text: not a single cell, and not what its table shows already."""
    if answer.route.path != "sql" or "| ---" in answer.answer:
        return []
    return [query for query in answer.sql if query.rows and len(query.rows) * len(query.columns) > 1]


def _markdown(console: Console, text: str) -> None:
    if console.is_terminal:
        from rich.markdown import Markdown

        console.print(Markdown(text))
    else:
        line(console, text)  # a file or a pipe gets the Markdown itself


def line(console: Console, text: str, style: str = "") -> None:
    """Text as it is, without markup; a file or a pipe gets its lines unbroken."""
    console.print(Text(text, style=style), soft_wrap=not console.is_terminal)


def _grid(columns: Sequence[str], rows: Sequence[Sequence[Any]], total: int) -> Table:
    caption = f"{total:,} rows, {SHOWN_ROWS} shown" if total > SHOWN_ROWS else None
    table = Table(caption=caption, caption_justify="left", header_style="bold")
    for index, column in enumerate(columns):
        numeric = any(isinstance(row[index], (int, float)) and not isinstance(row[index], bool) for row in rows)
        table.add_column(Text(str(column)), justify="right" if numeric else "left", overflow="fold")
    for row in rows[:SHOWN_ROWS]:
        table.add_row(*(Text(cell_text(value)) for value in row))
    return table


def cell_text(value: Any) -> str:
    """One cell: numbers with separators, nothing for NULL."""
    value = plain(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return f"{value:,.2f}"
    return str(value)


def _citations(console: Console, citations: Sequence[Mapping[str, Any]]) -> None:
    line(console, "Sources", "bold")
    for citation in citations[:SHOWN_CITATIONS]:
        line(console, f"  [{citation['n']}] {citation_text(citation)}", "dim")
    if len(citations) > SHOWN_CITATIONS:
        line(console, f"  and {len(citations) - SHOWN_CITATIONS} more; --json shows all", "dim")


def citation_text(citation: Mapping[str, Any]) -> str:
    """Where a mark leads, in one line."""
    kind = citation["kind"]
    if kind == "passage":
        quote = " ".join(str(citation.get("quote") or "").split())
        shown = quote if len(quote) <= 90 else quote[:87] + "..."
        return f"{citation.get('doc_id')} [{citation.get('start')}-{citation.get('end')}] “{shown}”"
    value = cell_text(citation.get("value"))
    if kind == "aggregate":
        sql = str(citation.get("sql") or citation.get("source"))
        shown = sql if len(sql) <= SHOWN_SQL else sql[: SHOWN_SQL - 3] + "..."
        return f"{citation.get('column') or 'result'} = {value}, from: {shown}"
    if kind == "score" and citation.get("key") is None:
        return f"{citation['source']}: {citation.get('table')} counts {value}"
    if kind == "score":
        return f"{citation['source']}: {citation.get('table')} of {citation.get('key')} = {citation.get('value'):.4f}"
    place = ".".join(str(part) for part in (citation.get("table"), citation.get("column")) if part)
    return f"{citation['source']}: {place} of {citation.get('key')}" + (f" = {value}" if value else "")


def render_draft(console: Console, draft: Mapping[str, Any]) -> None:
    """One draft as a panel: to whom, subject, body, its citations."""
    mail = draft.get("kind") != "product_description"
    head = (f"to: {draft.get('to') or '(no address)'}\n" if mail else "") + f"subject: {draft['subject']}"
    title = f"draft {draft['id']} · {draft.get('entity', '')} {draft.get('key', '')} · {draft.get('status', '')}"
    if console.is_terminal:
        console.print(Panel(Text(head), title=Text(title), title_align="left"))
    else:
        line(console, f"--- {title}\n{head}\n")
    _markdown(console, draft["body"])
    for image in draft.get("images") or []:
        line(console, f"image: {image.get('path') or image.get('uri') or image.get('title') or ''}")
    if draft.get("citations"):
        _citations(console, [plain(citation) for citation in draft["citations"]])
    for notice in draft.get("notices") or []:
        line(console, f"note: {notice}", "yellow")


def render_drafts(console: Console, drafts: Sequence[Mapping[str, Any]]) -> None:
    """A list of drafts, one a line."""
    if not drafts:
        line(console, "no drafts; a question such as “draft a follow-up for ...” makes some")
        return
    columns = ("id", "status", "entity", "key", "to", "subject")
    console.print(_grid(columns, [[draft.get(column, "") for column in columns] for draft in drafts], len(drafts)))


def plan_json(plan: Plan) -> dict[str, Any]:
    """A plan as JSON; each step carries its kind as `do`."""
    body: dict[str, Any] = plain(plan)
    body["steps"] = [{"do": _step_name(step), **plain(step)} for step in plan.steps]
    return body


def _step_name(step: object) -> str:
    return type(step).__name__.removesuffix("Step").lower()


def render_plan(console: Console, plan: Plan) -> None:
    """Route, steps with their SQL, other readings."""
    line(console, f"route: {plan.route.path} ({plan.route.confidence:.2f}) {plan.route.reason}", "bold")
    if plan.clarification:
        line(console, plan.clarification)
    for step in plan.steps:
        fields = {
            k: v for k, v in _fields(step).items() if k not in ("id", "reading") and v not in ("", None, (), False)
        }
        details = ", ".join(f"{key}={plain(value)}" for key, value in fields.items())
        line(console, f"{getattr(step, 'id', '')}  {_step_name(step)}  {details}")
        reading = getattr(step, "reading", None)
        if reading is not None:
            line(console, f"    {reading.explanation}\n    {reading.sql}", "dim")
            for link in reading.links:
                line(console, f"    {link_text(link)}", "dim")
    for other in plan.alternatives:
        line(console, f"other reading ({other.confidence:.2f}): {other.explanation}", "dim")
    for notice in plan.notices:
        line(console, f"note: {notice}", "yellow")
    for left in plan.egress:
        line(console, f"left for {left.model}: {', '.join(left.fields)}, {left.characters:,} characters, "
                      f"{left.masked} places masked", "dim")  # fmt: skip


def link_text(link: Link) -> str:
    """What words of the question were tied to: `“Oslo” is the value customers.city = Oslo`."""
    target = f"{link.target} = {link.value}" if link.target and link.value else link.target or link.value
    sure = "" if link.score >= 1 else f" ({link.score:.2f})"
    return f"“{link.text}” is the {link.kind} {target}{sure}"


def _fields(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def render_passages(console: Console, passages: Sequence[Passage]) -> None:
    """Passages, best first."""
    for text, style in hit_lines(passages, notices(passages)):
        line(console, text, style)


def rows_json(query: GuardedQuery, rows: Rows) -> dict[str, Any]:
    """A result set in the public shape."""
    return {
        "text": query.text,
        "columns": list(rows.columns),
        "rows": [plain(row) for row in rows.rows],
        "row_count": len(rows.rows),
        "truncated": rows.truncated,
    }


def render_rows(console: Console, rows: Rows) -> None:
    """A result set as a table."""
    console.print(_grid(rows.columns, rows.rows, len(rows.rows)))
    if rows.truncated:
        line(console, "note: the database had more rows than the limit lets through", "yellow")


def render_scores(console: Console, scores: Sequence[EntityScore], *, in_full: bool) -> None:
    """Scores, highest first; in full with every contribution."""
    if not scores:
        line(console, "no scores: the catalogue has none, or nobody is in its population")
    for score in scores if in_full else scores[:SHOWN_ROWS]:
        line(console, f"{score.key}  {score.probability:.1%}  {score.score} as of {score.as_of}", "bold")
        shown = score.contributions if in_full else score.contributions[:3]
        for part in shown:
            line(console, f"    {part.logit:+.2f}  {part.text}")
        if in_full:
            line(console, f"    {score.intercept:+.2f}  everyone starts here; model {score.model_version}", "dim")
    if not in_full and len(scores) > SHOWN_ROWS:
        line(console, f"and {len(scores) - SHOWN_ROWS} more; --json shows all", "dim")
