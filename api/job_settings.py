"""The settings of jobs: where they are kept, who runs them, and when they begin by themselves."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A part of `tower.yaml`: keys that it does not know are errors."""

    # Built when first used, and as a part of what it stands in: a short command needs few of them.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class ScheduleSettings(Section):
    """A job that a server begins by itself, at the times of `cron` (UTC)."""

    cron: str
    kind: Literal["ingest", "reindex", "retrain", "reconcile"] = "ingest"
    sources: tuple[str, ...] = ()

    @property
    def job(self) -> str:
        """The kind of job: `reconcile` is an ingest that compares all keys."""
        return "ingest" if self.kind == "reconcile" else self.kind

    def arguments(self) -> dict[str, Any]:
        """What the job is given."""
        given = {"sources": list(self.sources), "full": False, "vectors_only": self.kind == "reindex"}
        return given | {"reconcile": self.kind == "reconcile"}


class JobsSettings(Section):
    """Where a server keeps its jobs: `store` is a SQLAlchemy URL of SQLite or PostgreSQL, by default a file of the
    workspace. `worker` tells servers on one store apart. Without `keep` jobs end with the server.

    `shared` lets servers and workers over one `index.url` take each other's jobs; the store is then that database,
    unless it is named. A process that was silent for `lease_s` seconds counts as dead. With
    `run_by: workers` a server hands jobs out and runs none itself.
    """

    keep: bool = True
    store: str = ""
    worker: str = Field(default="tower", pattern=r"^[A-Za-z0-9._-]{1,64}$")
    shared: bool = False
    lease_s: float = Field(default=20.0, ge=2, le=3600)
    run_by: Literal["all", "workers"] = "all"
    schedules: dict[str, ScheduleSettings] = Field(default_factory=dict)
