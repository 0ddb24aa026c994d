"""What crosses the wire besides the answer: requests, hits, result sets, problem documents."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.questions import MAX_K
from query.answer import CitationView, DraftView


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AskRequest(_Request):
    """A question in plain words."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"question": "How many customers do we have in EMEA?"}]}
    )
    question: str
    conversation_id: str = Field(default="", description="That of an answer whose question this one follows up.")


class SearchRequest(_Request):
    """Words to find passages for."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"query": "warranty on zips", "k": 5}]})
    query: str
    k: int = Field(default=10, ge=1, le=MAX_K)
    whole: bool = Field(default=False, description="Every field of a passage, such as its heading, page and source.")
    repeats: bool = Field(default=False, description="Also passages that say again what a better one says.")


class SqlRequest(_Request):
    """One SELECT over the tables that the caller may see."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"sql": "SELECT COUNT(*) FROM accounts"}]}
    )
    sql: str = Field(max_length=20_000)


class DraftEdit(_Request):
    """New text for a proposed draft; what is left out stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"subject": "Your renewal in May"}]})
    subject: str | None = Field(default=None, max_length=500)
    body: str | None = Field(default=None, max_length=50_000)


class Decision(_Request):
    """Why a draft is turned down; kept with it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "already renewed"}]})
    reason: str = Field(default="", max_length=2_000)


class ExportRequest(_Request):
    """How an approved draft leaves: `eml` gives the message back, the others need their settings."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"by": "eml"}]})
    by: str = Field(default="eml", pattern="^(eml|smtp|webhook)$")


class FeedbackRequest(_Request):
    """A thumb up or down on an answer; `correction` says what would be right."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"verdict": "down", "comment": "LATAM is missing",
                                         "correction": {"sql": "SELECT COUNT(*) FROM accounts"}}]},
    )  # fmt: skip
    verdict: str = Field(pattern="^(up|down)$")
    comment: str = Field(default="", max_length=2_000)
    correction: dict[str, Any] | None = None


class AcceptRequest(_Request):
    """What the golden question is to expect, where the answer itself or the asker's correction does not say."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"correction": {"contains": ["two"]}}]})
    correction: dict[str, Any] | None = None


class IngestRequest(_Request):
    """Which sources; none named is all of them. `full` reads what did not change, too; `reconcile` compares the keys of
    streams whose turn it is not yet; `retry` reads what stands in quarantine again."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"sources": ["crm"]}]})
    sources: list[str] = Field(default_factory=list, max_length=1_000)
    full: bool = False
    reconcile: bool = False
    retry: bool = False


class ForgetRequest(_Request):
    """Whom to forget: `entity` is a key, or `entity:key`. `mode` is `look` (count what would go), `forget`, or `undo`
    (let it come in again)."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"entity": "ACC-1", "mode": "look"}]})
    entity: str = Field(min_length=1, max_length=500)
    mode: Literal["look", "forget", "undo"]


class ReindexRequest(IngestRequest):
    """`vectors_only` does not read the sources; `full` embeds everything again; without `golden` no golden questions
    are asked; `dry_run` says what it would cost; `roll_back` builds nothing, and switches back to the generation before
    the live one."""

    vectors_only: bool = False
    golden: bool = True
    dry_run: bool = False
    roll_back: bool = False


class Hit(BaseModel):
    """One passage of a search; `text` is the document's stored text from `start` to `end`."""

    doc_id: str
    score: float
    text: str
    start: int
    end: int
    title: str = ""


class SearchResponse(BaseModel):
    """Passages, best first."""

    query: str
    hits: list[Hit]
    notices: list[str] = Field(default=[], description="For instance that none is likely to be relevant.")


class SqlResponse(BaseModel):
    """A result set; `truncated` says that the database had more rows than the limit lets through."""

    text: str
    columns: list[str]
    rows: list[list[Any]]
    row_count: int
    truncated: bool = False


class _Page(BaseModel):
    next: str | None = Field(default=None, description="Send it as `after` for the next page; absent on the last.")


class DraftPage(_Page):
    """Drafts, newest first."""

    drafts: list[DraftView]


class QuarantinePage(_Page):
    """Records that were not taken: source, table, key, reason and the record."""

    records: list[dict[str, Any]]


class JobView(BaseModel):
    """One job; `rate` is a second's, `left_s` seconds at that rate, `result` what it gave, `error` why it failed."""

    id: str
    kind: str
    status: str
    started_at: str
    ended_at: str = ""
    sources: list[str] = Field(default_factory=list)
    step: str = ""
    done: int = 0
    total: int | None = None
    rate: float | None = None
    left_s: float | None = None
    result: Any = None
    error: dict[str, str] | None = None
    resumed: bool = False


class JobPage(_Page):
    """Jobs, newest first."""

    jobs: list[JobView]


class AuditPage(BaseModel):
    """Records of the audit log, oldest first: docs/audit.md has their fields."""

    records: list[dict[str, Any]]


class Scores(BaseModel):
    """Scores, or the cards of their models: docs/scores.md has their fields."""

    scores: list[dict[str, Any]]


class Versions(BaseModel):
    """Versions of the models behind the scores, newest first."""

    versions: list[dict[str, Any]]


class Faults(BaseModel):
    """A line for each citation that does not hold."""

    faults: list[str]


class Finding(BaseModel):
    """Something that keeps a draft from being approved, and where it stands."""

    code: str
    message: str
    where: str = ""


class Lint(BaseModel):
    """What keeps a draft from being approved; nothing in it, and it can be."""

    id: str
    status: str
    findings: list[Finding]


class Readiness(BaseModel):
    """`degraded` where a part failed that some questions can do without."""

    status: Literal["ready", "degraded"]
    parts: dict[str, Literal["ok", "failed"]]


class Problem(BaseModel):
    """An RFC 9457 problem document; `code` is stable, `hint` says what to try."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    hint: str = ""
    request_id: str = ""


class Examples(BaseModel):
    """Questions to begin with."""

    questions: list[str]


class Place(BaseModel):
    """What a citation leads to, read now; one of the parts, or `gone` where it cannot be shown any more."""

    citation: CitationView
    row: dict[str, Any] | None = None
    rows: dict[str, Any] | None = None
    passage: dict[str, Any] | None = None
    score: dict[str, Any] | None = None
    gone: str | None = None


class AtRisk(BaseModel):
    """A page of entities by a score; `total` counts them all, `scores` names every declared score."""

    score: str
    label: str
    description: str
    entity: str
    threshold: float
    due_label: str
    as_of: str
    scores: list[dict[str, str]]
    total: int
    rows: list[dict[str, Any]]


class Feedback(BaseModel):
    """One person's word on one answer; `golden` is the golden question that accepting it made."""

    id: str
    answer_id: str
    principal: str
    created_at: str = ""
    verdict: str
    comment: str = ""
    correction: dict[str, Any] | None = None
    status: str
    decided_at: str | None = None
    decided_by: str | None = None
    reason: str = ""
    question: str = ""
    golden: dict[str, Any] | None = None


class FeedbackPage(BaseModel):
    """Feedback, newest first."""

    feedback: list[Feedback]
    next: str = ""
