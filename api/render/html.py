"""An answer as an HTML fragment, for the console and for notebooks. All text that came from data is escaped."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.encode import plain
from api.render.answers import cell_text, citation_text, untold_queries

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

    from query.answer import Answer, ChartView

SHOWN_ROWS = 50
MAX_PICTURE = 4 * 1024 * 1024  # bytes
_MAGIC = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
_MARK = re.compile(r"\[(\d+)\]")
_TAG = re.compile(r"(<[^>]*>)")


def answer_html(answer: Answer) -> str:
    """The answer with its chart, rows, drafts and citations; marks lead to their citation."""
    parts = [f'<article class="tower-answer">{markdown_html(answer.answer, answer.id)}']
    if answer.chart is not None:
        parts.append(_chart(answer.chart))
    parts += [_table(query.columns, query.rows, query.row_count) for query in untold_queries(answer)]
    parts += [_image(image) for image in answer.images]
    parts += [draft_html(draft.model_dump()) for draft in answer.drafts]
    parts.append(_citations([citation.model_dump() for citation in answer.citations], answer.id))
    parts += [f'<p class="tower-notice">{escape(notice)}</p>' for notice in answer.notices]
    parts += [_how(answer), "</article>"]
    return "\n".join(part for part in parts if part)


def markdown_html(text: str, anchor: str = "") -> str:
    """Markdown as HTML: no raw HTML, no images, no links other than the marks `[n]`, which lead to `#anchor-n`."""
    rendered: str = parser().render(text)
    return with_marks(rendered, f'<a href="#{escape(anchor, quote=True)}-\\1">[\\1]</a>') if anchor else rendered


def with_marks(rendered: str, linked: str) -> str:
    """HTML with each mark `[n]` of its text replaced by `linked`, in which `\\1` is the number."""
    pieces = _TAG.split(rendered)  # tags stand at the odd places, and stay as they are
    return "".join(piece if at % 2 else _MARK.sub(linked, piece) for at, piece in enumerate(pieces))


def parser() -> MarkdownIt:
    """What reads the Markdown of answers and drafts."""
    from markdown_it import MarkdownIt

    # Links and images could carry data out of the page, and come from text that others wrote.
    return MarkdownIt("commonmark", {"html": False}).enable("table").disable(["link", "image", "autolink", "reference"])


def _table(columns: Sequence[str], rows: Sequence[Sequence[Any]], total: int) -> str:
    head = "".join(f'<th scope="col">{escape(str(column))}</th>' for column in columns)
    lines = [
        "<tr>" + "".join(f"<td>{escape(cell_text(value))}</td>" for value in row) + "</tr>" for row in rows[:SHOWN_ROWS]
    ]
    more = f"<caption>{total:,} rows, {SHOWN_ROWS} shown</caption>" if total > SHOWN_ROWS else ""
    return f"<table>{more}<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _chart(chart: ChartView) -> str:
    """The chart as an inline picture: the PNG that the answer carries, else an SVG drawn from its specification."""
    if chart.png:
        return (
            f'<img alt="{escape(chart.title, quote=True)}" src="data:image/png;base64,{escape(chart.png, quote=True)}">'
        )
    import vl_convert

    try:
        svg: str = vl_convert.vegalite_to_svg(chart.vega_lite)
    except ValueError as error:
        return f'<p class="tower-notice">the chart could not be drawn: {escape(str(error).splitlines()[0])}</p>'
    encoded = base64.b64encode(svg.encode()).decode("ascii")  # in an img element a script in an SVG does not run
    return f'<img alt="{escape(chart.title, quote=True)}" src="data:image/svg+xml;base64,{encoded}">'


def _image(image: Mapping[str, Any]) -> str:
    """A picture inline where its file can be read here and is one; else where it is."""
    title = escape(str(image.get("title") or ""), quote=True)
    found = picture(Path(str(image.get("path") or "")))
    if found is None:
        return f"<p>image: {title} {escape(str(image.get('path') or ''))}</p>"
    kind, content = found
    return f'<img alt="{title}" width="320" src="data:{kind};base64,{base64.b64encode(content).decode("ascii")}">'


def picture(path: Path) -> tuple[str, bytes] | None:
    """Media type and content of a PNG or JPEG file of at most 4 MB; the path comes from data, so nothing else is."""
    try:
        if not path.is_file() or path.stat().st_size > MAX_PICTURE:
            return None
        content = path.read_bytes()
    except OSError:
        return None
    kind = next((kind for magic, kind in _MAGIC.items() if content.startswith(magic)), None)
    return (kind, content) if kind else None


def draft_html(draft: Mapping[str, Any]) -> str:
    """One draft with its own citations."""
    anchor = f"draft-{draft['id']}"
    return (
        f'<section class="tower-draft"><h3>{escape(str(draft["subject"]))}</h3>'
        f"<p>to {escape(str(draft.get('to') or '(no address)'))} · {escape(str(draft.get('status', '')))}</p>"
        f"{markdown_html(str(draft['body']), anchor)}{''.join(_image(image) for image in draft.get('images') or [])}"
        f"{_citations([plain(citation) for citation in draft.get('citations') or []], anchor)}</section>"
    )


def _citations(citations: Sequence[Mapping[str, Any]], anchor: str) -> str:
    if not citations:
        return ""
    items = "".join(
        f'<li id="{escape(anchor, quote=True)}-{one["n"]}" value="{one["n"]}">{escape(citation_text(one))}</li>'
        for one in citations
    )
    return f'<details class="tower-sources" open><summary>Sources</summary><ol>{items}</ol></details>'


def _how(answer: Answer) -> str:
    queries = "".join(f"<pre>{escape(query.text)}</pre>" for query in answer.sql)
    total = answer.timings_ms.get("total", sum(answer.timings_ms.values()))
    return (
        f"<details><summary>{escape(answer.route.path)} · confidence {answer.route.confidence:.2f} · {total:,.0f} ms"
        f" · as of {escape(answer.as_of)}</summary><p>{escape(answer.route.reason)}</p>{queries}</details>"
    )
