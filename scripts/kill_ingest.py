"""Kills Tower (-9) at random moments of ingest, index building, graph building, switching and rolling back.

Usage: kill_ingest.py KILLS [SEED]; SIGINT or SIGTERM ends it with the counts so far. Each time documents are written,
changed and removed, a process brings the workspace up to date and is killed somewhere on its way. What is left is then
looked at, brought up to date, and looked at again:

- no document is lost that was acknowledged, and none is there in part: each is whole, as it was before or as it is now;
- one generation answers, what it acknowledged is in it, and every hit is what the SQL index holds;
- undisturbed, the next run ends with exactly the documents of the folder, in one generation and one to go back to, and
  those that say nearly the same are marked as such, no others.

While an index is built, questions are asked of the live one. Prints the counts; exit status 1 when anything was wrong.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

import index.vectors.edge as edge
from index.engine import open_engine
from index.errors import NotFoundError, TowerError
from index.reading import SqlDocuments
from index.scope import Principal, Scope
from index.store.store import Store
from index.vectors.gateway import Narrow, VectorGateway
from index.vectors.generations import Generations
from ingest.config import load_sources
from ingest.indexing import index_vectors, optimise
from ingest.likeness import alike, signature
from ingest.reindex import reindex, roll_back, unfound
from ingest.sync.sources import sync

FILES = 24
MEMORY = "/dev/shm"
MOMENTS = ("", "synced", "indexed", "graph built", "question answered", "new index built", "switched", "rolled back")
SCOPE = Scope(Principal("kill"), {}, frozenset({"all"}))
SOURCES = {"notes": {"kind": "files", "path": "notes", "documents": [{"files": "**/*", "tags": ["all"]}]}}


class HashEmbedder:
    """An `Embedder` without weights: the direction of a text is drawn from its hash."""

    identity = "hash/1"
    dimension = 384

    def embed(self, texts: Sequence[str]) -> Any:
        """A unit vector a text."""
        return np.array([self.embed_query(text) for text in texts], dtype=np.float32).reshape(len(texts), 384)

    def embed_query(self, text: str, asker: str = "") -> Any:
        """The vector of one text."""
        seed = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
        vector = np.random.default_rng(seed).normal(size=384)
        return (vector / np.linalg.norm(vector)).astype(np.float32)


class Workspace:
    """The workspace in `home`, opened by one process."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.engine = open_engine(f"sqlite:///{home / 'tower.sqlite'}")
        self.store = Store(self.engine)
        self.store.create()
        self.documents = SqlDocuments(self.engine)
        self.embedder = HashEmbedder()
        self.generations = Generations(home, self.store)

    def update(self, log: Callable[[str], None], *, back: bool) -> None:
        """Everything that a workspace goes through, told to `log` as it is done."""
        (report,) = sync(load_sources(SOURCES, self.home), self.store, None)
        assert report.ok, report.message
        log("synced")
        live, gateway = self.generations.live_or_first(self.embedder)
        index_vectors(self.store, gateway, self.embedder, live.generation)
        log("indexed")
        optimise(gateway)
        log("graph built")

        def built(_new: VectorGateway) -> str:
            log("new index built")
            return ""

        with asking(gateway, log):
            reindex(self.generations, self.store, self.embedder, check=built)
        gateway.close()
        log("switched")
        if back:
            roll_back(self.generations, self.store, self.embedder)
            log("rolled back")
        self.generations.collect()

    def texts(self) -> dict[str, str]:
        """The stored documents; one that is there in part is a fault."""
        found: dict[str, str] = {}
        for stored in self.store.documents("notes"):
            text, end = stored.document.text, 0
            for piece in stored.chunks:
                assert not text[end : piece.start].strip(), f"{stored.document.doc_id} lacks a chunk"
                end = piece.end
            assert not text[end:].strip(), f"{stored.document.doc_id} lacks its last chunk"
            found[stored.document.doc_id] = text
        return found

    def check_live(self, *, complete: bool) -> None:
        """One generation answers, and holds what it acknowledged."""
        live = [one for one in self.store.generations() if one.status == "live"]
        assert len(live) <= 1, f"{len(live)} generations are live"
        if not live:
            assert not complete, "no generation is live"
            return
        gateway = self.generations.open(live[0], self.embedder)
        try:
            pending = self.store.count_pending(live[0].generation)
            _, missing = unfound(self.store, gateway, self.embedder, SCOPE, sample=60)
            assert len(missing) <= pending, f"{len(missing)} acknowledged passages are not found, {pending} are pending"
            check_hits(self, gateway)
            if complete:
                assert pending == 0 and not missing and gateway.count() == self.store.count_vectors(live[0].generation)
        finally:
            gateway.close()


def check_hits(workspace: Workspace, gateway: VectorGateway) -> None:
    """What is found and confirmed by the SQL index is a passage of a document as it is stored now."""
    texts = workspace.texts()
    hits = gateway.search(SCOPE, workspace.embedder.embed_query("x"), None, narrow=Narrow(), limit=500)
    stored = workspace.documents.chunks([hit.chunk_id for hit in hits], SCOPE)
    for hit in hits:
        chunk = stored.get(hit.chunk_id)
        if chunk is not None and chunk.hash == hit.hash:
            assert texts[hit.doc_id][chunk.start : chunk.end] == chunk.text, f"{hit.chunk_id} is cut wrongly"


@contextlib.contextmanager
def asking(gateway: VectorGateway, log: Callable[[str], None]) -> Iterator[None]:
    """Questions to `gateway` as long as the block lasts."""
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            try:
                hits = gateway.search(SCOPE, HashEmbedder().embed_query("x"), None, narrow=Narrow(), limit=5)
                log("question answered" if hits else "fault: a question found nothing")
            except TowerError as error:
                log(f"fault: a question failed: {error.message}")
            time.sleep(0.005)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def change_files(folder: Path, chance: random.Random, step: int) -> dict[str, str]:
    """Write, change and remove some files; every document's text by its id."""
    folder.mkdir(exist_ok=True)
    for number in chance.sample(range(FILES), FILES // 3):
        path = folder / f"{number}.md"
        if path.exists() and chance.random() < 0.25:
            path.unlink()
        else:
            sections = [
                f"## Part {n} of {step}\n\n" + f"Step {step} of note {number} says {n}. " * 20 for n in range(4)
            ]
            path.write_text(f"# Note {number}\n\n" + "\n\n".join(sections))
            if chance.random() < 0.3:  # another note says nearly the same
                twin = folder / f"{(number + 1) % FILES}.md"
                twin.write_text(path.read_text() + f"\n\nCopied at step {step}.")
    if not any(folder.iterdir()):
        (folder / "0.md").write_text(f"# Note 0 of step {step}")
    return {f"notes:{path.name}": path.read_text().replace("#", "").strip() for path in folder.iterdir()}


def complain(line: str) -> None:
    """Say what was wrong."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def apart(work: Callable[[], None]) -> int:
    """Do `work` in a process of its own; its id."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        work()
        status = 0
    except KeyboardInterrupt:
        complain("stopped with the run")
    except BaseException as error:
        complain(f"fault: {type(error).__name__}: {error}")
    finally:
        os._exit(status)


def wait(pid: int) -> int:
    """How a process ended: 0 well, negative by a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def kill_behind(pid: int, said: Path, moment: str, seconds: float) -> int:
    """Kill a process so many seconds after it said `moment`; how it ended."""
    while moment and moment not in said.read_text():
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    time.sleep(seconds)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    return wait(pid)


def same(text: str) -> str:
    """A text but for its white space and marks, as readers change both."""
    return "".join(text.replace("#", "").split())


def trial(home: Path, before: dict[str, str], now: dict[str, str], moment: str, seconds: float) -> tuple[str, bool]:
    """One kill so many seconds behind `moment`; what had been done by then, and whether all was well."""
    said = home / "said.log"
    said.write_text("")

    def log(line: str) -> None:
        with said.open("a") as file:
            file.write(line + "\n")

    def look(*, complete: bool) -> None:
        workspace = Workspace(home)
        held = {doc_id: same(text) for doc_id, text in workspace.texts().items()}
        for doc_id, text in held.items():
            assert text in (same(now.get(doc_id, "")), same(before.get(doc_id, ""))), f"{doc_id} is of no version"
        stay = {doc_id for doc_id in before if doc_id in now}
        assert stay <= set(held), f"lost: {sorted(stay - set(held))}"
        if complete or "synced" in lines:
            assert held == {doc_id: same(text) for doc_id, text in now.items()}, "acknowledged documents are not there"
        workspace.check_live(complete=complete)
        if complete:
            folders = [path.name for path in (home / "vectors").iterdir() if path.is_dir()]
            known = [one.generation for one in workspace.store.generations()]
            signatures = {doc_id: signature(text) for doc_id, text in workspace.texts().items()}
            assert workspace.store.groups() == alike(signatures), "the marks of near-duplicates are not those of now"
            assert set(folders) <= set(known) and len(known) <= 2, f"left over: {folders} beside {known}"

    def work() -> None:
        edge.is_due = lambda path, points: points > 0  # type: ignore[assignment]  # a graph each time
        Workspace(home).update(log, back=moment in ("switched", "rolled back"))

    pid = apart(work)
    killed = kill_behind(pid, said, moment, seconds)
    lines = said.read_text().splitlines()
    faults = [line for line in lines if line.startswith("fault")]
    well = killed in (0, -signal.SIGKILL) and not faults and wait(apart(lambda: look(complete=False))) == 0
    well = wait(apart(lambda: Workspace(home).update(lambda line: None, back=False))) == 0 and well
    well = wait(apart(lambda: look(complete=True))) == 0 and well
    for fault in faults[:3]:
        complain(fault)
    reached = next((line for line in reversed(lines) if line != "question answered"), "nothing")
    if killed == 0:
        return "ended before the kill", well
    return f"killed after: {reached}", well


def main(kills: int, seed: int) -> int:
    """Kill until `kills` processes were killed at work; the exit status."""
    chance = random.Random(seed)
    # What a killed process wrote is there whatever it is written to; in memory the trials take half as long.
    home = Path(tempfile.mkdtemp(prefix="tower-kill-", dir=MEMORY if os.access(MEMORY, os.W_OK) else None))
    counts: Counter[str] = Counter()
    faults = step = 0
    begun = time.monotonic()
    now = change_files(home / "notes", chance, 0)
    longest = dict.fromkeys(MOMENTS, 0.4)
    try:
        if wait(apart(lambda: Workspace(home).update(lambda line: None, back=True))):
            return 1
        while sum(n for what, n in counts.items() if what.startswith("killed")) < kills and step < 3 * kills:
            moment = MOMENTS[step % len(MOMENTS)]
            step += 1
            before, now = now, change_files(home / "notes", chance, step)
            what, well = trial(home, before, now, moment, chance.uniform(0, longest[moment]))
            counts[what] += 1
            faults += not well
            longest[moment] *= 0.7 if what == "ended before the kill" else 1.1
            if not well:
                complain(f"step {step}: not well ({what})")
    except KeyboardInterrupt:
        complain(f"stopped at step {step}")
    finally:
        shutil.rmtree(home, ignore_errors=True)
    killed = sum(n for what, n in counts.items() if what.startswith("killed"))
    result = {"kills": killed, "faults": faults, **dict(sorted(counts.items()))}
    sys.stdout.write(json.dumps(result | {"seconds": round(time.monotonic() - begun)}, indent=2) + "\n")
    return 1 if faults or killed < kills else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(NotFoundError):
        sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20, int(sys.argv[2]) if len(sys.argv) > 2 else 7))
