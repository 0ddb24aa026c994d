"""An answer as the pages show it: its text with marks that lead to their sources, cards of entities, pictures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from api.render.answers import citation_text, untold_queries
from api.render.html import parser, with_marks

if TYPE_CHECKING:
    from markdown_it.token import Token

    from query.answer import Answer, CitationView, ItemView

SHOWN_ROWS = 50
_FIGURE = re.compile(r"[-+]?[€$£¥]?\s?\d[\d.,]*(?:\s?(?:%|[A-Z]{3}|points))?")
PATHS = {
    "sql": "Records", "vector": "Documents", "hybrid": "Records and documents", "clarify": "A question back",
    "refuse": "No answer",
}  # fmt: skip


def answer_view(answer: Answer) -> dict[str, Any]:
    """What the template of an answer needs; `html` is safe."""
    folder = f"/console/answers/{answer.id}"
    tokens = parser().parse(answer.answer)
    _cards(tokens, answer.items)
    _figures(tokens)
    rendered: str = parser().renderer.render(tokens, parser().options, {})
    total = answer.timings_ms.get("total") or sum(answer.timings_ms.values())
    return {
        "id": answer.id,
        "question": answer.question,
        "carried": answer.carried,
        "conversation": answer.conversation_id or answer.id,
        "html": with_marks(rendered, mark(folder)),
        "path": PATHS.get(answer.route.path, answer.route.path),
        "refused": answer.route.path in ("refuse", "clarify"),
        "route": answer.route,
        "as_of": answer.as_of,
        "seconds": total / 1000,
        "chart": answer.chart,
        "tables": [
            {"columns": q.columns, "rows": q.rows[:SHOWN_ROWS], "count": q.row_count} for q in untold_queries(answer)
        ],
        "images": [{"title": str(one.get("title") or "picture")} for one in answer.images],
        "drafts": answer.drafts,
        "sources": sources(answer.citations, folder),
        "notices": answer.notices,
        "withheld": answer.withheld,
        "sql": answer.sql,
        "egress": answer.egress,
        "generation": answer.generation,
        "timings": answer.timings_ms,
    }  # fmt: skip


def letter_html(body: str, draft_id: str) -> str:
    """A draft's body with marks that lead to its sources; safe."""
    return with_marks(str(parser().render(body)), mark(f"/console/drafts/{draft_id}"))


def mark(folder: str) -> str:
    """The link that stands for a mark `[n]` of what `folder` holds."""
    href = escape(f"{folder}/citations/", quote=True)
    return f'<a class="mark" href="{href}\\1" aria-label="Source \\1">\\1</a>'


def sources(citations: Sequence[CitationView], folder: str) -> list[dict[str, Any]]:
    """A line and a link for each citation."""
    return [
        {"n": one.n, "kind": one.kind, "text": citation_text(one.model_dump()), "href": f"{folder}/citations/{one.n}"}
        for one in citations
    ]


def _cards(tokens: list[Token], items: Sequence[ItemView]) -> None:
    """Mark the bullets that tell of one entity each, and put its score and its draft beside them.

    Only where the list tells exactly the answer's items: else the text stays as it is.
    """
    bullets = [token for token in tokens if token.type == "list_item_open" and token.level == 1]
    if not items or len(bullets) != len(items):
        return
    outer = next(token for token in tokens if token.type == "bullet_list_open" and token.level == 0)
    outer.attrSet("class", "entities")
    ends = [at for at, token in enumerate(tokens) if token.type == "list_item_close" and token.level == 1]
    for bullet, item, end in reversed(list(zip(bullets, items, ends, strict=True))):
        bullet.attrSet("class", "entity")
        extra = _meter(item.score) + _link(item.draft_id)
        if extra:
            tokens.insert(end, _html(f'<p class="beside">{extra}</p>'))


def _figures(tokens: Sequence[Token]) -> None:
    """Cells that hold a figure stand at the right of their column, and so does its head."""
    columns: dict[int, bool] = {}
    cells: list[tuple[int, Token]] = []
    at = 0
    for token, after in zip(tokens, [*tokens[1:], None], strict=True):
        if token.type == "table_open":
            columns, cells = {}, []
        elif token.type == "tr_open":
            at = 0
        elif token.type in ("th_open", "td_open") and after is not None:
            cells.append((at, token))
            if token.type == "td_open" and after.content.strip() not in ("", "–"):
                columns[at] = columns.get(at, True) and bool(_FIGURE.fullmatch(after.content.strip()))
            at += 1
        elif token.type == "table_close":
            for column, cell in cells:
                if columns.get(column):
                    cell.attrSet("class", "num")


def _meter(score: float | None) -> str:
    if score is None:
        return ""
    return f'<meter min="0" max="1" low="0.3" high="0.7" optimum="0" value="{score:.4f}">{score:.0%}</meter>'


def _link(draft_id: str | None) -> str:
    return f'<a href="/console/drafts/{escape(draft_id, quote=True)}">Open the draft</a>' if draft_id else ""


def _html(content: str) -> Token:
    from markdown_it.token import Token

    return Token("html_block", "", 0, content=content)
