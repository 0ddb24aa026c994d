"""Reports of ingest, reindex and status for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from api.encode import plain
from api.render.answers import cell_text, line

if TYPE_CHECKING:
    from rich.console import Console


def report_json(report: Any) -> dict[str, Any]:
    """A source's report as one flat mapping: source, status, the totals, seconds, message, hint, warnings."""
    body: dict[str, Any] = plain(report)
    flat: dict[str, Any] = {}
    for name, value in body.items():
        flat.update(value if name == "totals" else {name: value})
    return flat


def any_failed(reports: Sequence[Mapping[str, Any]]) -> bool:
    """True when a source could not be read."""
    return any(report.get("status") == "failed" for report in reports)


def render_reports(console: Console, reports: Sequence[Mapping[str, Any]]) -> None:
    """One row a source: read = loaded + unchanged + quarantined. Under the table, what people have to know."""
    if not reports:
        console.print("no sources in tower.yaml")
        return
    console.print(_table(reports))
    for row in reports:
        for text in (row.get("message"), row.get("hint"), *row.get("warnings", ())):
            if text:
                line(console, f"{row.get('source', '')}: {text}", "yellow")


def _table(rows: Sequence[Mapping[str, Any]]) -> Table:
    columns = [
        name for name in rows[0] if not isinstance(rows[0][name], (dict, list)) and name not in ("message", "hint")
    ]
    table = Table(header_style="bold")
    for name in columns:
        table.add_column(name, justify="right" if isinstance(rows[0][name], (int, float)) else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell_text(row.get(name))) for name in columns))
    return table


def render_reindexed(console: Console, value: Any) -> None:
    """A reindex: its golden questions in a line, those that were answered wrong as a table."""
    body = plain(value)
    golden = body.get("golden") if isinstance(body, dict) else None
    if not isinstance(golden, dict):
        render_mapping(console, body)
        return
    wrong = golden.get("wrong") or []
    reports = [report_json(one) for one in body.get("sources") or ()]
    shown = {**body, "golden": golden.get("summary", ""), "answered wrong": wrong, "sources": reports}
    render_mapping(console, {name: part for name, part in shown.items() if part not in ([], None)})


def render_mapping(console: Console, value: Any) -> None:
    """A mapping: simple values a line each, lists of records as tables."""
    body = plain(value)
    if not isinstance(body, dict):
        line(console, str(body))
        return
    for name, part in body.items():
        if isinstance(part, list) and part and isinstance(part[0], dict):
            line(console, name, "bold")
            console.print(_table(part))
            for row in part:
                if name == "generations" and row.get("message"):
                    line(console, f"{row['generation']}: {row['message']}")
        elif isinstance(part, dict):
            line(console, f"{name}: " + (", ".join(f"{k} {cell_text(v)}" for k, v in part.items()) or "none"))
        else:
            line(console, f"{name}: {cell_text(part) if not isinstance(part, list) else part or 'none'}")
