"""Limits: exact between threads and processes, told with the time to wait, and never a reason to lose an answer."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.access.caller import Caller
from api.access.limits import Limits
from api.access.signin import SignIn
from api.access.tokens import issue
from api.audit import Audited
from api.http.app import create_app
from api.settings import LimitsSettings, SigninSettings
from index.audit import AuditLog
from index.errors import LimitError, StorageError
from index.usage import USAGE, current
from tests.api.fake import FakeService

REDIS = "redis://127.0.0.1:6379"


def redis_answers() -> bool:
    try:
        socket.create_connection(("127.0.0.1", 6379), timeout=0.5).close()
    except OSError:
        return False
    return True


@pytest.fixture(params=["memory", "redis"])
def shared(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """Settings of either store; keys of a run of their own."""
    if request.param == "memory":
        yield {}
        return
    if not redis_answers():
        pytest.skip("no Redis on 127.0.0.1:6379")
    prefix = f"test-{uuid.uuid4().hex[:12]}"
    yield {"redis_url": REDIS, "redis_prefix": prefix}
    from redis import Redis

    client = Redis.from_url(REDIS)
    for pattern in (f"*{prefix}*", f"LIMITS*{prefix}*"):
        for key in client.scan_iter(pattern):
            client.delete(key)


def limits(shared: dict[str, str], **user: Any) -> Limits:
    return Limits(LimitsSettings.model_validate({**shared, "user": user}))


def test_requests_of_a_minute_are_counted_exactly_over_threads(shared: dict[str, str]) -> None:
    limited = limits(shared, requests_per_minute=25)

    def one(_: int) -> bool:
        try:
            with limited.entered("emma", ""):
                return True
        except LimitError as error:
            assert 1 <= error.retry_after <= 60
            return False

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(one, range(100))) == 25
    with limited.entered("akira", ""):
        pass


def test_places_are_held_until_the_end_and_given_back(shared: dict[str, str]) -> None:
    limited = limits(shared, concurrent=3)
    barrier, most, running, mutex = threading.Barrier(3), 0, 0, threading.Lock()

    def one(_: int) -> bool:
        nonlocal most, running
        try:
            with limited.entered("emma", ""):
                with mutex:
                    running += 1
                    most = max(most, running)
                barrier.wait(10)
                with mutex:
                    running -= 1
                return True
        except LimitError:
            return False

    with ThreadPoolExecutor(3) as pool:
        assert all(pool.map(one, range(3)))
    with limited.entered("emma", ""), limited.entered("emma", ""), limited.entered("emma", ""):
        with pytest.raises(LimitError), limited.entered("emma", ""):
            raise AssertionError("a fourth")
        with limited.entered("akira", ""):
            pass
    with limited.entered("emma", ""):
        assert most == 3


def test_rows_tokens_and_cost_are_counted_after_and_end_what_comes_next(shared: dict[str, str]) -> None:
    for name, used in (
        ("rows_per_hour", {"rows": 60}),
        ("tokens_per_day", {"tokens": 60}),
        ("cost_per_day", {"cost": 60.0}),
    ):
        limited = limits(shared, **{name: 100})
        for _ in range(2):
            with limited.entered(f"emma-{name}", "") as meter:
                meter.spend(**used)  # type: ignore[arg-type]
        with pytest.raises(LimitError, match="100") as refused, limited.entered(f"emma-{name}", ""):
            raise AssertionError("over the limit")
        assert refused.value.retry_after >= 1


def test_who_calls_a_model_asks_first(shared: dict[str, str]) -> None:
    limited = limits(shared, tokens_per_day=10)
    with limited.entered("emma", "") as meter:
        token = USAGE.set(meter)
        try:
            current().require()
            current().spend(tokens=11, cost=0.2)
            with pytest.raises(LimitError):
                current().require()
        finally:
            USAGE.reset(token)
    current().require()  # outside of a request nothing is limited


def test_a_client_has_limits_of_its_own(shared: dict[str, str]) -> None:
    limited = Limits(LimitsSettings.model_validate({**shared, "client": {"requests_per_minute": 2}}))
    for user in ("emma", "akira"):
        with limited.entered(user, "console"):
            pass
    with pytest.raises(LimitError, match="client"), limited.entered("ivy", "console"):
        raise AssertionError("a third")
    with limited.entered("ivy", "another"):
        pass


def test_processes_that_share_redis_share_the_limit() -> None:
    if not redis_answers():
        pytest.skip("no Redis on 127.0.0.1:6379")
    prefix = f"test-{uuid.uuid4().hex[:12]}"
    code = (
        "import sys\n"
        "from api.access.limits import Limits\nfrom api.settings import LimitsSettings\n"
        "from index.errors import LimitError\n"
        f"chosen = {{'redis_url': {REDIS!r}, 'redis_prefix': {prefix!r}, 'user': {{'requests_per_minute': 30}}}}\n"
        "l = Limits(LimitsSettings.model_validate(chosen))\n"
        "n = 0\n"
        "for _ in range(40):\n"
        "    try:\n"
        "        with l.entered('emma', ''):\n            n += 1\n"
        "    except LimitError:\n        pass\n"
        "print(n)\n"
    )
    root = Path(__file__).parents[3]
    started = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=root) for _ in range(2)
    ]
    assert sum(int(process.communicate(timeout=60)[0]) for process in started) == 30


def test_counters_that_do_not_answer_let_nobody_pass() -> None:
    limited = Limits(LimitsSettings.model_validate({"redis_url": "redis://127.0.0.1:1", "user": {"concurrent": 1}}))
    with pytest.raises(StorageError), limited.entered("emma", ""):
        raise AssertionError("passed")


# --- over HTTP -------------------------------------------------------------------------------------------------------


def test_a_limit_is_a_problem_with_the_time_to_wait_and_streams_count_to_their_end(tmp_path: Path) -> None:
    limited = Limits(LimitsSettings.model_validate({"user": {"requests_per_minute": 3, "concurrent": 1}}))
    app = create_app(FakeService(governed=True), sign_in=SignIn(SigninSettings(), tmp_path), limits=limited)
    client = TestClient(app)
    headers = {"Authorization": f"Bearer {issue(tmp_path, 'emma', 1)}"}
    ask = {"question": "How many accounts?"}
    streamed = client.post("/v1/ask", json=ask, headers={**headers, "Accept": "text/event-stream"})
    assert "event: done" in streamed.text
    assert [client.post("/v1/ask", json=ask, headers=headers).status_code for _ in range(2)] == [200, 200]
    over = client.post("/v1/ask", json=ask, headers=headers)
    assert (over.status_code, over.json()["code"]) == (429, "limited")
    assert 1 <= int(over.headers["retry-after"]) <= 60
    assert client.get("/healthz").status_code == 200


def test_rows_that_leave_are_counted_whatever_the_route(tmp_path: Path) -> None:
    limited = Limits(LimitsSettings.model_validate({"user": {"rows_per_hour": 3}}))
    service = Audited(FakeService(governed=True), AuditLog(tmp_path))
    client = TestClient(create_app(service, sign_in=SignIn(SigninSettings(), tmp_path), limits=limited))
    for user, route, body in (
        ("emma", "/v1/ask", {"question": "Which regions?"}),
        ("akira", "/v1/sql", {"sql": "SELECT 1"}),
        ("ivy", "/v1/search", {"query": "zips"}),
    ):
        headers = {"Authorization": f"Bearer {issue(tmp_path, user, 1)}"}
        replies = [client.post(route, json=body, headers=headers).status_code for _ in range(5)]
        assert replies[0] == 200 and replies[-1] == 429


def test_the_client_of_a_request_is_in_its_record(tmp_path: Path) -> None:
    log = AuditLog(tmp_path)
    sign_in = SignIn(SigninSettings(), tmp_path)
    key, text = sign_in.keys.add("emma")
    app = create_app(Audited(FakeService(governed=True), log), sign_in=sign_in, limits=Limits(LimitsSettings()))
    TestClient(app).get("/v1/drafts", headers={"Authorization": f"Bearer {text}"})
    assert log.tail(1)[0]["actor"] == {"user": {"name": "emma"}, "app_uid": f"key:{key.id}"}
    assert Caller("emma", "key").client == ""
