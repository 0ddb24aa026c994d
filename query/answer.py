"""The answer: one shape everywhere (command line, HTTP, Python); see docs/interface.md."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field


class RouteView(BaseModel):
    """The way taken, why, and the calibrated probability that the answer is right."""

    path: str
    reason: str
    confidence: float


class SqlView(BaseModel):
    """One query that ran and its rows."""

    text: str
    columns: list[str]
    rows: list[list[Any]]
    row_count: int
    truncated: bool = False


class PassageView(BaseModel):
    """One passage; `text` is the document's stored text from `start` to `end`."""

    doc_id: str
    text: str
    start: int
    end: int
    score: float
    title: str = ""


class CitationView(BaseModel):
    """Where a mark `[n]` leads; fields that do not apply are absent. `row_count` is of the query in `sql`."""

    n: int
    kind: str
    source: str
    table: str | None = None
    key: str | None = None
    column: str | None = None
    value: Any = None
    doc_id: str | None = None
    start: int | None = None
    end: int | None = None
    quote: str | None = None
    sql: str | None = None
    row_count: int | None = None


class DriverView(BaseModel):
    """One reason of a score, with its additive part of the logit and the citations that back it."""

    feature: str
    text: str
    logit: float
    citations: list[int] = Field(default_factory=list)
    lower: str = ""


class NextStepView(BaseModel):
    """Something to do about a driver, from a playbook passage."""

    text: str
    driver: str = ""
    citations: list[int] = Field(default_factory=list)


class ItemView(BaseModel):
    """One entity of the answer: a customer at risk, a product."""

    entity: str
    key: str
    name: str = ""
    score: float | None = None
    model_version: str | None = None
    drivers: list[DriverView] = Field(default_factory=list)
    next_steps: list[NextStepView] = Field(default_factory=list)
    draft_id: str | None = None
    citations: list[int] = Field(default_factory=list)


class DraftView(BaseModel):
    """An e-mail (or product description) for a person to approve; `body` is Markdown with [n] marks.

    `status` is proposed, edited, approved, rejected or exported. `citations` are the draft's own, numbered from 1.
    `attachments` are references to documents (`doc_id`, `title`), not their contents; `language` is the template's.
    """

    id: str
    kind: str
    entity: str
    key: str
    to: str = ""
    sender: str = ""
    subject: str
    body: str
    status: str = "proposed"
    citations: list[CitationView] = Field(default_factory=list)
    images: list[dict[str, Any]] = Field(default_factory=list)
    attachments: list[dict[str, Any]] = Field(default_factory=list)
    notices: list[str] = Field(default_factory=list)
    language: str = "en"


class ChartView(BaseModel):
    """A chart as a Vega-Lite specification, and as PNG (base64) when it was asked for."""

    vega_lite: dict[str, Any]
    png: str | None = None
    title: str = ""


class Answer(BaseModel):
    """What `ask` gives. Fields that do not apply are empty."""

    id: str
    question: str
    as_of: str
    answer: str
    route: RouteView
    sql: list[SqlView] = Field(default_factory=list)
    passages: list[PassageView] = Field(default_factory=list)
    citations: list[CitationView] = Field(default_factory=list)
    items: list[ItemView] = Field(default_factory=list)
    drafts: list[DraftView] = Field(default_factory=list)
    chart: ChartView | None = None
    images: list[dict[str, Any]] = Field(default_factory=list)
    notices: list[str] = Field(default_factory=list)
    withheld: dict[str, int] = Field(
        default_factory=dict, description="`rows` and `passages` that policy kept from it, where the policy tells."
    )
    egress: list[dict[str, Any]] = Field(default_factory=list)
    timings_ms: dict[str, float] = Field(default_factory=dict)
    generation: str = ""
    conversation_id: str = ""
    carried: str = Field(default="", description="The question as it was read together with the turn before it.")
