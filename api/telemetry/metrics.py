"""Metrics of one server in Prometheus's text format: counts and durations, labelled with words of ours only."""

from __future__ import annotations

import time
from collections import Counter as Tally
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

from index.stages import Fact

REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120)  # seconds
STAGE_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 20)  # seconds
REFUSED = {401: "unauthorized", 403: "forbidden", 413: "too_large", 421: "wrong_host", 429: "limited"}


class Metrics:
    """Implements `index.stages.Observer`. docs/observability.md lists every metric."""

    def __init__(self) -> None:
        from importlib.metadata import version

        # A time of birth for every series is a third more to scrape, and nobody reads it.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = held = CollectorRegistry()
        self._requests = Counter("tower_requests", "Requests answered.", ("method", "route", "status"), registry=held)
        self._request_seconds = Histogram(
            "tower_request_seconds", "Seconds to the end of a response.", ("route",), buckets=REQUEST_BUCKETS,
            registry=held,
        )  # fmt: skip
        self._open = Gauge("tower_requests_open", "Requests that are being answered.", registry=held)
        self._refused = Counter("tower_refused", "Requests refused: sign-in, policy, limits.", ("why",), registry=held)
        self._stage_seconds = Histogram(
            "tower_stage_seconds", "Seconds in a stage of the work on a question.", ("stage",), buckets=STAGE_BUCKETS,
            registry=held,
        )  # fmt: skip
        self._stage_failures = Counter("tower_stage_failures", "Stages that an error left.", ("stage",), registry=held)
        self._answers = Counter("tower_answers", "Answers given, by the way they took.", ("path",), registry=held)
        self._drafts = Counter("tower_drafts", "Drafts proposed.", registry=held)
        self._tokens = Counter("tower_model_tokens", "Tokens of language models.", ("direction",), registry=held)
        self._cost = Counter("tower_model_cost", "Cost of models, in the unit of their prices.", registry=held)
        self._jobs = Gauge("tower_jobs", "Jobs remembered, by what became of them.", ("kind", "status"), registry=held)
        build = Gauge("tower_build_info", "The version that runs.", ("version",), registry=held)
        build.labels(version("tower-rag")).set(1)

    @contextmanager
    def request(self) -> Iterator[None]:
        """One request while it is being answered."""
        with self._open.track_inprogress():
            yield

    def add(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request; `route` is its template, so that no id becomes a label."""
        self._requests.labels(method, route, str(status)).inc()
        self._request_seconds.labels(route).observe(seconds)
        if status in REFUSED:
            self._refused.labels(REFUSED[status]).inc()

    @contextmanager
    def stage(self, name: str) -> Iterator[_Noted]:
        """Measure one stage, and count what was noted about it."""
        noted, started = _Noted(), time.perf_counter()
        try:
            yield noted
        except BaseException:
            self._stage_failures.labels(name).inc()
            raise
        finally:
            if name != "request":  # measured by its route
                self._stage_seconds.labels(name).observe(time.perf_counter() - started)
            self._count(name, noted.facts)

    def text(self, jobs: Sequence[Mapping[str, Any]] = ()) -> str:
        """The exposition text; `jobs` are those that the server remembers."""
        self._jobs.clear()
        for (kind, status), count in Tally((job["kind"], job["status"]) for job in jobs).items():
            self._jobs.labels(kind, status).set(count)
        return generate_latest(self._registry).decode("utf-8")

    def _count(self, name: str, facts: Mapping[str, Fact]) -> None:
        if name == "ask" and "path" in facts:
            self._answers.labels(facts["path"]).inc()
            self._drafts.inc(float(facts.get("drafts", 0)))
        if name == "model":
            for direction in ("in", "out"):
                self._tokens.labels(direction).inc(float(facts.get(f"tokens_{direction}", 0)))
            self._cost.inc(float(facts.get("cost", 0)))


class _Noted:
    def __init__(self) -> None:
        self.facts: dict[str, Fact] = {}

    def note(self, **facts: Fact) -> None:
        """Keep them until the stage ends."""
        self.facts.update(facts)
