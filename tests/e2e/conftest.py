"""A served sample company with users, a sign-in service, and headless Chromium."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from filelock import FileLock

import data
from api.cli import main
from tests.api import provider
from tests.api.provider import AUDIENCE, CLIENT, Provider

ROOT = Path(__file__).parents[2]
CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@dataclass(frozen=True)
class Served:
    """A running server, and the provider that its users sign in at."""

    url: str
    issuer: Provider


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The browser; skips where the machine has none."""
    if not CHROMIUM.is_file():
        pytest.skip(f"{CHROMIUM} is not installed: apt-get install chromium")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample company's workspace, ingested without its tickets' texts; built once for all workers of a run."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "console-company"
    with FileLock(f"{shared}.lock"):
        if not shared.is_dir():
            making = shared.with_name("console-company-making")
            data.write_workspace(making)
            settings = yaml.safe_load((making / "tower.yaml").read_text(encoding="utf-8"))
            del (
                settings["sources"]["support"]["documents"],
                settings["sources"]["support"]["tables"]["tickets"]["documents"],
            )
            (making / "tower.yaml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
            assert main(["ingest", "--home", str(making)]) == 0
            making.rename(shared)
    home = tmp_path_factory.mktemp("console") / "home"
    shutil.copytree(shared, home)
    return home


@pytest.fixture(scope="session")
def framer() -> Iterator[int]:
    """The port of a server of another product on this machine, whose page frames the address in its query."""

    class Framing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f'<iframe src="{self.path.partition("?")[2]}"></iframe>'.encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Framing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()


@pytest.fixture(scope="session")
def served(chromium: Any, company: Path, framer: int) -> Iterator[Served]:
    """`tower serve` over the company with its example policy, signing people in at a provider."""
    with provider.running() as issuer:
        settings = yaml.safe_load((company / "tower.yaml").read_text(encoding="utf-8"))
        settings |= {
            "signin": {"issuer": issuer.issuer, "audience": AUDIENCE},
            "console": {"client_id": CLIENT, "frame_origins": [f"http://localhost:{framer}"]},
        }
        (company / "tower.yaml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
        shutil.copy(ROOT / "data" / "policy.example.yaml", company / "policy.yaml")
        with serving(company) as url:
            yield Served(url, issuer)


@contextlib.contextmanager
def serving(home: Path) -> Iterator[str]:
    """`tower serve` on a free port, in a process of its own."""
    command = "import sys; from api.start import main; sys.exit(main())"
    process = subprocess.Popen(
        [sys.executable, "-c", command, "serve", "--home", str(home), "--port", "0"],
        stderr=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    try:
        assert process.stderr is not None
        said = ""
        for line in process.stderr:
            said += line
            if " at http://" in line:
                yield line.split(" at ")[1].split("/ ")[0]
                break
        else:
            raise AssertionError(f"the server did not start: {said}")
    finally:
        process.terminate()
        process.wait(timeout=20)
