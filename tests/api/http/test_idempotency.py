import threading

import pytest
from fastapi.testclient import TestClient

from api.access.shelf import LocalShelf, RedisShelf
from api.http.app import create_app
from api.http.idempotency import KEPT_S, Repeats
from index.errors import BusyError, StorageError, UsageError
from tests.api import redis_server
from tests.api.fake import FakeService

QUESTION = {"question": "How many accounts?"}


@pytest.fixture
def service() -> FakeService:
    return FakeService()


@pytest.fixture
def client(service: FakeService) -> TestClient:
    return TestClient(create_app(service))


def test_a_question_with_a_key_is_asked_once(client: TestClient, service: FakeService) -> None:
    first, again = (client.post("/v1/ask", json=QUESTION, headers={"Idempotency-Key": "k1"}) for _ in range(2))
    assert (first.status_code, again.json()) == (200, first.json())
    assert len(service.asked) == 1
    client.post("/v1/ask", json=QUESTION, headers={"Idempotency-Key": "k2"})
    client.post("/v1/ask", json=QUESTION)
    assert len(service.asked) == 3


def test_a_streamed_repetition_gives_the_same_answer(client: TestClient, service: FakeService) -> None:
    headers = {"Idempotency-Key": "k1", "Accept": "text/event-stream"}
    first = client.post("/v1/ask", json=QUESTION, headers=headers).text
    again = client.post("/v1/ask", json=QUESTION, headers=headers).text
    assert again.split("event: done")[1] == first.split("event: done")[1]
    assert len(service.asked) == 1


def test_a_key_with_another_body_is_refused(client: TestClient) -> None:
    client.post("/v1/ask", json=QUESTION, headers={"Idempotency-Key": "k1"})
    other = client.post("/v1/ask", json={"question": "Another one?"}, headers={"Idempotency-Key": "k1"})
    assert (other.status_code, other.json()["code"]) == (400, "bad_input")


def test_an_approval_that_is_sent_twice_is_one(client: TestClient) -> None:
    for _ in range(2):
        decided = client.post("/v1/drafts/d1/approve", headers={"Idempotency-Key": "k1"})
        assert (decided.status_code, decided.json()["status"]) == (200, "approved")
    assert client.post("/v1/drafts/d1/approve").status_code == 400


def test_a_job_that_is_begun_twice_is_one(client: TestClient) -> None:
    begun = [client.post("/v1/admin/ingest", json={}, headers={"Idempotency-Key": "k1"}).json() for _ in range(2)]
    assert begun[0]["id"] == begun[1]["id"]


def test_keys_belong_to_their_principal_and_route() -> None:
    repeats = Repeats()
    assert repeats.once("eva", "ask", "k", {}, lambda: "a1") == "a1"
    assert repeats.once("tom", "ask", "k", {}, lambda: "a2") == "a2"
    assert repeats.once("eva", "approve d1", "k", {}, lambda: "d1") == "d1"
    assert repeats.once("eva", "ask", "k", {}, lambda: "never") == "a1"


def test_a_request_that_failed_may_be_sent_again() -> None:
    repeats = Repeats()

    def fails() -> str:
        raise StorageError("the disk is full")

    with pytest.raises(StorageError):
        repeats.once("eva", "ask", "k", {}, fails)
    assert repeats.once("eva", "ask", "k", {}, lambda: "a1") == "a1"


def test_a_repetition_while_the_first_is_being_answered_is_told_to_wait() -> None:
    repeats, entered, leave = Repeats(), threading.Event(), threading.Event()

    def slow() -> str:
        entered.set()
        leave.wait(5)
        return "a1"

    thread = threading.Thread(target=repeats.once, args=("eva", "ask", "k", {}, slow))
    thread.start()
    entered.wait(5)
    with pytest.raises(BusyError):
        repeats.once("eva", "ask", "k", {}, lambda: "a2")
    leave.set()
    thread.join()
    assert repeats.once("eva", "ask", "k", {}, lambda: "a3") == "a1"
    with pytest.raises(UsageError):
        repeats.once("eva", "ask", "k", {"question": "other"}, lambda: "a3")


def test_keys_are_forgotten_after_a_day() -> None:
    now = 0.0
    repeats = Repeats(LocalShelf(clock=lambda: now))
    repeats.once("eva", "ask", "k", {}, lambda: "a1")
    now = KEPT_S + 1
    assert repeats.once("eva", "ask", "k", {}, lambda: "a2") == "a2"


def test_servers_that_share_a_shelf_do_a_request_once() -> None:
    with redis_server.running() as url:
        one, other = (Repeats(RedisShelf(url, "", "tower-test", "k" * 32)) for _ in range(2))
        made: list[str] = []

        def make() -> str:
            with pytest.raises(BusyError):
                other.once("eva", "ask", "k", {"q": 1}, lambda: "never")
            made.append("a1")
            return "a1"

        assert one.once("eva", "ask", "k", {"q": 1}, make) == "a1"
        assert other.once("eva", "ask", "k", {"q": 1}, lambda: "never") == "a1" and made == ["a1"]
        with pytest.raises(UsageError):
            other.once("eva", "ask", "k", {"q": 2}, lambda: "never")
        with pytest.raises(StorageError):
            one.once("eva", "ask", "failed", {}, _full)
        assert other.once("eva", "ask", "failed", {}, lambda: "a2") == "a2"


def _full() -> str:
    raise StorageError("the disk is full")
