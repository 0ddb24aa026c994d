"""Traces from question to answer: the spans, how they nest, and that none holds a text."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from api.audit import Audited
from api.cli import main
from api.http.app import create_app
from api.settings import load_settings
from api.telemetry.llama import llama_spans
from api.telemetry.tracing import Spans
from api.wiring import open_workspace
from index.errors import SqlRejected
from index.stages import OBSERVERS, stage
from query.llama import router_query_engine
from tests.governed import build
from tests.query.office import administrator, engine

DRAFT = "Draft an email to Ann & Co about their account"


class Recorder:
    """Spans in memory."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracer = provider.get_tracer("test")

    @property
    def spans(self) -> list[ReadableSpan]:
        return list(self.exporter.get_finished_spans())

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.spans if span.name == name]

    def chain(self, span: ReadableSpan) -> list[str]:
        """Names from a span up to its root."""
        by_id = {one.context.span_id: one for one in self.spans if one.context}
        names = [span.name]
        while span.parent is not None and span.parent.span_id in by_id:
            span = by_id[span.parent.span_id]
            names.append(span.name)
        return names


@contextmanager
def recorded() -> Iterator[Recorder]:
    recorder = Recorder()
    token = OBSERVERS.set((Spans(recorder.tracer),))
    try:
        yield recorder
    finally:
        OBSERVERS.reset(token)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    home = build(tmp_path_factory.mktemp("traces") / "home")
    opened = open_workspace(home, load_settings(home))
    yield opened
    opened.close()


def test_a_question_is_one_trace_of_its_stages(workspace: Audited) -> None:
    scope = workspace.scope_for("emma")
    with recorded() as recorder:
        answer = workspace.ask("Who threatens to leave for a competitor?", scope)
        workspace.ask("What is the revenue by region?", scope)
        drafted = workspace.ask(DRAFT, scope)
    assert drafted.drafts
    chains = {name: recorder.chain(recorder.named(f"tower.{name}")[-1]) for name in
              ("plan", "route", "sql", "search", "compose", "prove", "drafts")}  # fmt: skip
    assert {name: chain[-1] for name, chain in chains.items()} == dict.fromkeys(chains, "tower.ask")
    assert chains["route"] == ["tower.route", "tower.plan", "tower.ask"]
    assert chains["drafts"] == ["tower.drafts", "tower.ask"]
    asked = recorder.named("tower.ask")[0].attributes or {}
    assert asked["tower.answer_id"] == answer.id
    assert asked["tower.citations"] == len(answer.citations)


def test_no_span_holds_a_text(workspace: Audited) -> None:
    with recorded() as recorder:
        for user in ("emma", "akira"):
            for question in ("Who threatens to leave?", "Which customers have more than 10 seats?", DRAFT):
                workspace.ask(question, workspace.scope_for(user))
        with pytest.raises(SqlRejected), stage("sql"):
            workspace.sql("SELECT pin FROM contacts WHERE name = 'Person A1'", workspace.scope_for("emma"))
    told = json.dumps([json.loads(span.to_json()) for span in recorder.spans])
    for word in ("leave", "seats", "Ann", "Bergfreunde", "Person", "mail.example", "pin", "emma", "SELECT"):
        assert word not in told, word
    assert any((span.attributes or {}).get("error.type") == "sql_rejected" for span in recorder.spans)


def test_an_attribute_that_is_a_text_is_left_out() -> None:
    with recorded() as recorder, stage("ask") as mark:
        mark.note(answer_id="a1", question="Who is Ann?", rows=3)
    assert dict(recorder.spans[0].attributes or {}) == {"tower.answer_id": "a1", "tower.rows": 3}


def test_a_request_goes_on_with_the_trace_that_it_came_with(workspace: Audited) -> None:
    recorder = Recorder()
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01", "X-Request-ID": "r-1"}
    app = create_app(workspace, user="emma", observers=(Spans(recorder.tracer),))
    with TestClient(app) as client:
        client.post("/v1/ask", json={"question": "How many accounts are there?"}, headers=headers)
        client.post("/v1/ask", json={"question": "How many orders?"}, headers={"traceparent": "nonsense"})
    first, second = recorder.named("tower.request")
    assert f"{first.context.trace_id:032x}" == trace_id
    assert f"{second.context.trace_id:032x}" != trace_id
    assert (first.attributes or {})["tower.route"] == "/v1/ask"
    assert (first.attributes or {})["tower.request_id"] == "r-1"
    assert recorder.chain(recorder.named("tower.prove")[0])[-1] == "tower.request"


def test_llamaindex_spans_hold_ours_and_no_texts() -> None:
    built, scope = engine(), administrator()
    router = router_query_engine(lambda q: built.plan(q, scope), lambda q: built.answer(q, scope))
    with recorded() as recorder, llama_spans(recorder.tracer):
        router.query("How many tickets are there?")
    router.query("How many tickets are there?")  # outside of the block nothing is recorded
    chain = recorder.chain(recorder.named("tower.prove")[0])
    assert chain[1] == "TowerQueryEngine._query"
    assert chain[-1] == "RouterQueryEngine.query"
    assert len(recorder.named("tower.prove")) == 1
    assert "tickets" not in json.dumps([span.to_json() for span in recorder.spans])


def test_a_command_sends_its_spans_to_the_collector_of_the_settings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    received: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Collector) as collector:
        threading.Thread(target=collector.serve_forever, daemon=True).start()
        home = build(tmp_path / "home")
        with (home / "tower.yaml").open("a", encoding="utf-8") as file:
            file.write(f"telemetry: {{otlp_endpoint: 'http://127.0.0.1:{collector.server_port}/v1/traces'}}\n")
        assert main(["ask", "How many accounts are there?", "--home", str(home), "--as", "emma"]) == 0
        collector.shutdown()
    assert b"tower.ask" in b"".join(received)
    assert b"How many" not in b"".join(received)
