"""`tower serve`'s server comes and goes."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[3]
SLOW = """
import sys, time
from pathlib import Path
from api.http.serving import serve_workspace
from tests.api.fake import FakeService

class Slow(FakeService):
    def ask(self, question, scope, **rest):
        rest["on_event"]("route", {"path": "sql"})
        time.sleep(float(question))
        return super().ask("How many accounts?", scope)

serve_workspace(Slow(), Path(sys.argv[1]), "127.0.0.1", 0, lambda url: print(url, flush=True), drain_s=3)
"""


def _server(home: Path) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen([sys.executable, "-c", SLOW, str(home)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def _asked(url: str, seconds: float) -> "httpx._client.StreamContextManager":  # type: ignore[name-defined]
    headers = {"Accept": "text/event-stream"}
    return httpx.stream("POST", f"{url}/v1/ask", json={"question": str(seconds)}, headers=headers, timeout=30)


def test_a_server_that_is_told_to_stop_finishes_its_answers(tmp_path: Path) -> None:
    process, url = _server(tmp_path)
    with _asked(url, 1.0) as reply:
        lines = reply.iter_lines()
        assert next(lines) == "event: route"
        process.send_signal(signal.SIGTERM)
        assert any(line == "event: done" for line in lines)
    assert process.wait(10) == 0


def test_a_stream_that_goes_on_is_cut_after_a_while(tmp_path: Path) -> None:
    process, url = _server(tmp_path)
    with _asked(url, 60.0) as reply:
        assert next(reply.iter_lines()) == "event: route"
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.wait(15)
    assert time.monotonic() - begun < 12
    assert not list(tmp_path.glob("serve.json"))
