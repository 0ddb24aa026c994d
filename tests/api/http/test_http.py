"""The HTTP API: shapes, problem documents, limits, the same-origin rule, streaming."""

import json
import threading
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from api.http.app import create_app
from index.documents import Passage
from index.scope import Scope
from tests.api.fake import FakeService

QUERY = {"query": "zips"}


@pytest.fixture
def service() -> FakeService:
    return FakeService()


@pytest.fixture
def client(service: FakeService) -> Iterator[TestClient]:
    with TestClient(create_app(service), raise_server_exceptions=False) as client:
        yield client


def test_ask_gives_the_answer_and_it_can_be_read_again(client: TestClient) -> None:
    body = client.post("/v1/ask", json={"question": "How many accounts?"}).json()
    assert body["answer"] == "There are 3 accounts [1]."
    assert client.get(f"/v1/answers/{body['id']}").json() == body


def test_ask_streams_events_and_ends_with_the_whole_answer(client: TestClient) -> None:
    headers = {"Accept": "text/event-stream"}
    response = client.post("/v1/ask", json={"question": "How many accounts?"}, headers=headers)
    assert response.headers["content-type"].startswith("text/event-stream")
    events = [part.split("\n") for part in response.text.strip().split("\n\n")]
    assert [lines[0] for lines in events] == ["event: route", "event: done"]
    assert json.loads(events[-1][1].removeprefix("data: "))["answer"] == "There are 3 accounts [1]."


def test_a_streamed_failure_is_an_event_and_shows_no_trace(client: TestClient) -> None:
    headers = {"Accept": "text/event-stream"}
    text = client.post("/v1/ask", json={"question": "crash"}, headers=headers).text
    assert text.startswith("event: error\n")
    assert "KeyError" not in text


def test_search_sql_explain_and_status(client: TestClient) -> None:
    assert (
        client.post("/v1/search", json={"query": "zips", "k": 1}).json()["hits"][0]["doc_id"] == "library:warranty.md"
    )
    assert client.post("/v1/explain", json={"question": "How many accounts?"}).json()["steps"][0]["do"] == "sql"
    assert client.get("/v1/status").json()["generation"] == "g1"
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready", "parts": {"records": "ok", "passages": "ok"}}


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/v1/ask", {"question": " "}, 400, "empty_question"),
        ("/v1/ask", {"question": "x" * 5000}, 400, "bad_input"),
        ("/v1/ask", {}, 422, "bad_request"),
        ("/v1/ask", {"question": "x", "as": "root"}, 422, "bad_request"),
        ("/v1/ask", {"question": "crash"}, 500, "internal"),
        ("/v1/search", {"query": "x", "k": 0}, 422, "bad_request"),
        ("/v1/sql", {"sql": "DROP TABLE x"}, 400, "sql_rejected"),
        ("/v1/sql", {"sql": " "}, 400, "bad_input"),
        ("/v1/drafts/zzz/approve", None, 404, "not_found"),
        ("/v1/nothing", {}, 404, "not_found"),
        ("/healthz", {}, 405, "method_not_allowed"),
    ],
)
def test_a_failure_is_a_problem_document(client: TestClient, path: str, body: object, status: int, code: str) -> None:
    response = client.post(path, json=body)
    problem = response.json()
    assert (response.status_code, problem["code"], problem["status"]) == (status, code, status)
    assert response.headers["content-type"] == "application/problem+json"
    assert problem["request_id"] == response.headers["x-request-id"]
    assert "Traceback" not in response.text


def test_a_request_id_comes_back_unless_it_could_forge_a_log_line(client: TestClient) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": "abc-1"}).headers["x-request-id"] == "abc-1"
    assert client.get("/healthz", headers={"X-Request-ID": "a b"}).headers["x-request-id"] != "a b"


def test_a_body_over_the_limit_is_refused_with_and_without_a_length(client: TestClient) -> None:
    large = json.dumps({"question": "x" * 300_000}).encode()
    headers = {"Content-Type": "application/json"}
    assert client.post("/v1/ask", content=large, headers=headers).json()["code"] == "too_large"
    chunked = client.post("/v1/ask", content=iter([large[:200_000], large[200_000:]]), headers=headers)
    assert (chunked.status_code, chunked.json()["code"]) == (413, "too_large")


def test_a_page_of_another_origin_changes_nothing(client: TestClient, service: FakeService) -> None:
    foreign = client.post("/v1/drafts/d1/approve", headers={"Origin": "http://evil.example"})
    assert (foreign.status_code, foreign.json()["code"]) == (403, "foreign_origin")
    crossed = client.post("/v1/drafts/d1/approve", headers={"Sec-Fetch-Site": "cross-site"})
    assert crossed.status_code == 403
    assert service.drafts.held["d1"]["status"] == "proposed"
    own = client.post("/v1/drafts/d1/approve", headers={"Origin": "http://testserver"})
    assert own.json()["status"] == "approved"


def test_another_host_name_is_refused(client: TestClient) -> None:
    rebound = client.get("/v1/status", headers={"Host": "evil.example"})
    assert (rebound.status_code, rebound.json()["code"]) == (421, "wrong_host")
    assert client.get("/v1/status", headers={"Host": "127.0.0.1:8000"}).status_code == 200
    assert client.get("/v1/status", headers={"Host": "[::1]:8000"}).status_code == 200


def test_drafts_are_listed_edited_and_decided_once(client: TestClient) -> None:
    assert [d["id"] for d in client.get("/v1/drafts").json()["drafts"]] == ["d1"]
    assert client.get("/v1/drafts", params={"status": "approved"}).json()["drafts"] == []
    assert client.get("/v1/drafts", params={"status": "lost"}).status_code == 422
    assert client.patch("/v1/drafts/d1", json={"subject": "Another"}).json()["subject"] == "Another"
    assert client.patch("/v1/drafts/d1", json={}).status_code == 400
    assert client.post("/v1/drafts/d1/reject", json={"reason": "no"}).json()["reason"] == "no"
    assert client.post("/v1/drafts/d1/approve").json()["code"] == "bad_input"


def test_metrics_count_requests(client: TestClient) -> None:
    client.get("/healthz")
    assert 'tower_requests_total{method="GET",route="/healthz",status="200"} 1.0' in client.get("/metrics").text


def test_every_operation_is_described(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    for path in ("/v1/ask", "/v1/search", "/v1/sql", "/v1/explain", "/v1/drafts/{draft_id}", "/v1/status", "/readyz"):
        assert path in paths
    assert all(operation["description"] for methods in paths.values() for operation in methods.values())


def test_a_server_that_is_full_says_so_at_once() -> None:
    entered, leave = threading.Event(), threading.Event()

    class Slow(FakeService):
        def search(self, query: str, scope: Scope, k: int, *, repeats: bool = False) -> tuple[Passage, ...]:
            entered.set()
            leave.wait(10)
            return super().search(query, scope, k)

    with TestClient(create_app(Slow(), concurrent=1)) as client:
        first: list[int] = []
        thread = threading.Thread(target=lambda: first.append(client.post("/v1/search", json=QUERY).status_code))
        thread.start()
        assert entered.wait(10)
        refused = client.post("/v1/search", json=QUERY)
        assert (refused.status_code, refused.json()["code"], refused.headers["Retry-After"]) == (429, "limited", "1")
        given = client.post("/v1/search", json=QUERY, headers={"X-Request-ID": "mine.1"})
        for reply in (refused, given):
            assert reply.json()["request_id"] == reply.headers["X-Request-ID"]
        assert (given.json() | {"request_id": ""}) == (refused.json() | {"request_id": ""})
        assert given.headers["X-Request-ID"] == "mine.1" != refused.headers["X-Request-ID"]
        assert client.get("/").status_code == 429 and "text/html" in client.get("/").headers["Content-Type"]
        assert client.get("/healthz").status_code == 200
        leave.set()
        thread.join()
        assert first == [200]
        allowed = client.post("/v1/search", json=QUERY)
        assert allowed.status_code == 200 and set(allowed.headers) <= set(refused.headers)
        assert 'status="429"' in client.get("/metrics").text
