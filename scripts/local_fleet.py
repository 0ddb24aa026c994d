"""A server and workers that share one workspace on this machine, for tests and measurements."""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml

ROOT = Path(__file__).parents[1]
WORDS = "ridge valley stove anorak tent boot harness glacier cairn beacon rope pulley saddle spur crest hollow".split()


@dataclass
class LocalFleet:
    """The processes over the workspace at `home`; `worker` starts one more, and `close` ends all."""

    home: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    client: httpx.Client = field(default_factory=httpx.Client)

    def start(self, *arguments: str, cores: Sequence[int] = ()) -> subprocess.Popen[bytes]:
        """A `tower` command, on some cores where they are named."""
        command = [sys.executable, "-m", "api.start", *arguments, "--home", str(self.home)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        with (self.home / f"log-{arguments[0]}").open("ab") as log:
            process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log)
        if cores:
            os.sched_setaffinity(process.pid, cores)
        self.processes.append(process)
        return process

    def serve(self) -> None:
        """Start the server, and wait until it answers."""
        process, presence = self.start("serve", "--port", "0"), self.home / "serve.json"
        while not presence.exists():
            if process.poll() is not None:
                raise RuntimeError(self.log())
            time.sleep(0.05)
        told = json.loads(presence.read_text())
        self.client = httpx.Client(base_url=told["url"], headers={"X-Tower-Owner": told["token"]}, timeout=60)

    def worker(self, cores: Sequence[int] = ()) -> subprocess.Popen[bytes]:
        """Start a worker, and wait until the server hears of it."""
        process = self.start("worker", cores=cores)
        while not any(name.endswith(f":{process.pid}") for name in self.alive()):
            if process.poll() is not None:
                raise RuntimeError(self.log())
            time.sleep(0.1)
        return process

    def alive(self) -> list[str]:
        """The names of the processes that share the workspace."""
        return [one["name"] for one in self.client.get("/v1/status").json()["workers"]]

    def begin(self, kind: str, **given: Any) -> httpx.Response:
        """Ask the server for a job."""
        return self.client.post(f"/v1/admin/{kind}", json=given)

    def job(self, job_id: str) -> dict[str, Any]:
        """How far a job is."""
        found: dict[str, Any] = self.client.get(f"/v1/admin/jobs/{job_id}").json()
        return found

    def ended(self, job_id: str, seconds: float = 300) -> dict[str, Any]:
        """How a job ended."""
        deadline = time.monotonic() + seconds
        while (view := self.job(job_id))["status"] == "running":
            if time.monotonic() > deadline:
                raise TimeoutError(f"{view}\n{self.log()}")
            time.sleep(0.1)
        return view

    def log(self) -> str:
        """What the processes said."""
        return "\n".join(path.read_text("utf-8", "replace") for path in sorted(self.home.glob("log-*")))

    def close(self) -> None:
        """End all."""
        self.client.close()
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()


@contextlib.contextmanager
def local_fleet(home: Path, index_url: str, vectors_url: str, **jobs: Any) -> Iterator[LocalFleet]:
    """A fleet without workers yet, over the notes in `home`; an empty `vectors_url` is the embedded engine."""
    settings = {
        "sources": {"notes": {"kind": "files", "path": "notes", "documents": [{"files": "*.md", "tags": ["all"]}]}},
        "index": {"url": index_url},
        "vectors": {"url": vectors_url},
        "threads": 1,
        "jobs": {"shared": True, **jobs},
    }
    (home / "tower.yaml").write_text(yaml.safe_dump(settings), "utf-8")
    fleet = LocalFleet(home)
    try:
        fleet.serve()
        yield fleet
    finally:
        fleet.close()


def write_notes(home: Path, count: int, words: int, edition: int = 1) -> None:
    """So many documents of a passage each; every one differs, and each edition from the one before."""
    (home / "notes").mkdir(parents=True, exist_ok=True)
    for number in range(count):
        chance = random.Random(f"{edition} {number}")
        text = " ".join(chance.choice(WORDS) for _ in range(words))
        (home / "notes" / f"{number}.md").write_text(f"Note {number} of edition {edition}: {text}.\n", "utf-8")
