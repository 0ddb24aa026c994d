"""The quick way to a route gives what the thorough one gives."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.http import quick
from api.http.app import create_app
from tests.api.fake import FakeService

BODY = {"query": "warranty", "k": 3}


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    return TestClient(create_app(FakeService()))


def test_a_good_body_goes_straight_to_the_function(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    straight = quick.run_in_threadpool

    async def noted(answer: object, *given: object) -> object:
        taken.append(given[0])
        return await straight(answer, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(quick, "run_in_threadpool", noted)
    reply = client.post("/v1/search", json=BODY)
    assert reply.status_code == 200 and reply.json()["query"] == "warranty"
    assert [body.k for body in taken] == [3]


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b'{"query": "warranty", "k": 0}', "application/json", 422),
        (b'{"query": "warranty", "other": 1}', "application/json", 422),
        (b'{"query": ', "application/json", 422),
        (b"", "application/json", 422),
        (json.dumps(BODY).encode(), "text/plain", 422),
        (json.dumps(BODY).encode(), "application/json; charset=utf-8", 200),
        (b'{"query": "warranty \\ud800"}', "application/json", 200),
        (b'{"query": " "}', "application/json", 400),
    ],
)
def test_what_is_wrong_with_a_body_is_said_as_anywhere(
    client: TestClient, content: bytes, kind: str, status: int
) -> None:
    reply = client.post("/v1/search", content=content, headers={"content-type": kind})
    assert reply.status_code == status, reply.text
    if status != 200:
        assert reply.json()["code"] and reply.headers["content-type"].startswith("application/problem+json")
