"""The log as JSON lines: one a request, with its ids, without personal data."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.http.app import create_app
from api.settings import LogsSettings
from api.telemetry import logs
from tests.api.fake import FakeService


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    out = io.StringIO()
    monkeypatch.setattr(logs.sys, "stderr", out)  # type: ignore[attr-defined]
    logs.set_up(LogsSettings(format="json"), tmp_path)
    yield out
    for name in logs.OURS:
        logging.getLogger(name).setLevel(logging.NOTSET)
    root.handlers[:] = before
    root.setLevel(level)


def read(out: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_request_is_one_line_with_its_ids(lines: io.StringIO) -> None:
    with TestClient(create_app(FakeService())) as client:
        client.get("/v1/drafts/d1", headers={"X-Request-ID": "r-7"})
    found = [line for line in read(lines) if line["logger"] == "tower.access"]
    assert len(found) == 1
    assert {name: found[0][name] for name in ("message", "method", "route", "status", "request_id")} == {
        "message": "request", "method": "GET", "route": "/v1/drafts/{draft_id}", "status": 200, "request_id": "r-7",
    }  # fmt: skip
    assert "d1" not in json.dumps(found)


def test_a_failure_has_its_trace_and_no_personal_data(lines: io.StringIO) -> None:
    try:
        raise ValueError("no such customer: ann.meier@example.com")
    except ValueError:
        logging.getLogger("tower.http").exception("asked by ann.meier@example.com")
    line = read(lines)[-1]
    assert line["level"] == "error"
    assert "ValueError" in str(line["trace"])
    assert "ann.meier" not in json.dumps(line)


def test_plain_text_stays_as_it_was() -> None:
    before = list(logging.getLogger().handlers)
    logs.set_up(LogsSettings(), Path())
    assert logging.getLogger().handlers == before


def test_other_libraries_tell_no_details(lines: io.StringIO) -> None:
    logging.getLogger("httpx").info("HTTP Request: POST http://example.com/?name=ann")
    logging.getLogger("tower.http").info("ours")
    assert [line["message"] for line in read(lines)] == ["ours"]
