"""`deploy/nginx.conf` in front of a real server: what goes through, what is stopped, and how that is told."""

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api.access.signin import SignIn
from api.access.tokens import issue
from api.settings import SigninSettings
from tests.api.fake import FakeService
from tests.api.served import served

NGINX = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
CONFIG = Path(__file__).parents[2] / "deploy" / "nginx.conf"
pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """The gateway's address, and headers with a good token."""
    folder = tmp_path_factory.mktemp("gateway")
    with served(folder, FakeService(governed=True), sign_in=SignIn(SigninSettings(), folder)) as upstream:
        port = _free()
        (folder / "nginx.conf").write_text(_placed(CONFIG.read_text("utf-8"), folder, port, upstream), "utf-8")
        assert NGINX is not None
        command = [NGINX, "-c", str(folder / "nginx.conf"), "-p", str(folder), "-g", "daemon off;"]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        _wait(port)
        yield f"http://127.0.0.1:{port}", {"Authorization": f"Bearer {issue(folder, 'emma', 1)}"}
        process.terminate()
        process.wait(10)


def _placed(text: str, folder: Path, port: int, upstream: str) -> str:
    """The configuration with this test's ports and files in it; each must have been there."""
    for old, new in (
        ("/tmp/nginx.pid", str(folder / "nginx.pid")),
        ("server 127.0.0.1:8000;", f"server {upstream.removeprefix('http://')};"),
        ("listen 8080;", f"listen 127.0.0.1:{port};"),
        ("access_log /dev/stdout", f"access_log {folder / 'access.log'}"),
        ("error_log /dev/stderr", f"error_log {folder / 'error.log'}"),
    ):
        assert old in text, old
        text = text.replace(old, new)
    temporary = " ".join(
        f"{name}_temp_path {folder / name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return text.replace("http {", f"http {{\n    {temporary}", 1)


def _free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(port: int) -> None:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the gateway does not listen")


def test_the_token_goes_through_and_the_correlation_id_comes_back(gateway: tuple[str, dict[str, str]]) -> None:
    url, token = gateway
    body = {"question": "How many accounts?"}
    reply = httpx.post(f"{url}/v1/ask", json=body, headers={**token, "X-Request-ID": "crm-42"})
    assert (reply.status_code, reply.headers["X-Request-ID"]) == (200, "crm-42")
    refused = httpx.post(f"{url}/v1/ask", json=body)
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")
    assert refused.json()["request_id"] == refused.headers["X-Request-ID"] != ""


def test_an_id_that_is_none_is_replaced(gateway: tuple[str, dict[str, str]]) -> None:
    url, token = gateway
    reply = httpx.get(f"{url}/v1/drafts", headers={**token, "X-Request-ID": "a b<script>"})
    assert len(reply.headers["X-Request-ID"]) == 32


def test_a_stream_comes_part_by_part(gateway: tuple[str, dict[str, str]]) -> None:
    url, token = gateway
    headers = {**token, "Accept": "text/event-stream"}
    with httpx.stream("POST", f"{url}/v1/ask", json={"question": "How many accounts?"}, headers=headers) as reply:
        assert reply.headers["content-type"].startswith("text/event-stream")
        assert [line for line in reply.iter_lines() if line.startswith("event:")] == ["event: route", "event: done"]


def test_the_owners_token_does_not_work_from_outside(gateway: tuple[str, dict[str, str]], tmp_path: Path) -> None:
    url, _ = gateway
    reply = httpx.get(f"{url}/v1/drafts", headers={"X-Tower-Owner": "anything", "X-Tower-As": "emma"})
    assert reply.status_code == 401


def test_too_much_is_told_as_a_problem(gateway: tuple[str, dict[str, str]]) -> None:
    url, token = gateway
    reply = httpx.post(f"{url}/v1/ask", content=b"x" * 300_000, headers=token)
    assert (reply.status_code, reply.json()["code"]) == (413, "too_large")
    with httpx.Client() as client:
        replies = [client.get(f"{url}/healthz") for _ in range(120)]
    limited = [reply for reply in replies if reply.status_code == 429]
    assert limited and limited[0].json()["code"] == "limited"
    assert limited[0].headers["Retry-After"] == "1"
    time.sleep(1.1)
    assert httpx.get(f"{url}/healthz").status_code == 200


def test_the_log_has_ids_and_no_questions(
    gateway: tuple[str, dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    url, token = gateway
    time.sleep(1.1)
    headers = {**token, "X-Request-ID": "seen-7"}
    httpx.get(f"{url}/v1/drafts?after=secret", headers=headers)
    log = next(tmp_path_factory.getbasetemp().glob("gateway*/access.log"))
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert [line["path"] for line in lines if line["request_id"] == "seen-7"] == ["/v1/drafts"]
    assert "secret" not in log.read_text("utf-8")
