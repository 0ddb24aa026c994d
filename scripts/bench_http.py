"""The service under load: requests a second and response times of `/v1/search` and `/v1/ask`, what ten times the
clients do, and how soon the first events of a stream come.

    python scripts/bench_http.py HOME [--passages 100000] [--clients 32] [--seconds 10] [--soak 0]

HOME is an ingested workspace without users, such as the one of `tower demo`; `tower serve` is started over it, and the
clients run in this process, on the same cores. No search is asked twice. `--passages` makes HOME where it is not
there, and adds so many synthetic passages to it, which it keeps. `--soak` goes on for so many more seconds and prints
the memory.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from scripts.bench_scale import Synthetic
from scripts.many_passages import fill, made

QUESTIONS = (
    "How many enterprise customers are in EMEA?",
    "What was our revenue in EMEA last quarter?",
    "Which customers have the most open tickets?",
    "How many open tickets are there per priority?",
    "Which products were ordered most often in 2025?",
    "What is the average contract value per region?",
    "How many accounts do we have per segment?",
    "List the 5 customers with the highest revenue",
)
TAG = "policies"  # one of the sample's
_numbers = itertools.count()
Request = tuple[str, dict[str, object]]


def _search(words: Synthetic) -> Request:
    """A search that was not asked before: four to twelve words that stand together somewhere."""
    number = next(_numbers)
    return "/v1/search", {"query": words.text(10_000_000 + number, 4 + number % 9), "k": 10}


def _question() -> Request:
    return "/v1/ask", {"question": QUESTIONS[next(_numbers) % len(QUESTIONS)]}


@dataclass
class Load:
    """What came back: seconds by status, and how long it all took."""

    seconds: dict[int, list[float]] = field(default_factory=dict)
    took: float = 0.0

    def line(self, name: str, status: int = 200) -> str:
        """One line about the responses with `status`."""
        times = sorted(self.seconds.get(status, []))
        if not times:
            return f"{name}: no response with {status}"
        p50, p99 = (1000 * times[min(len(times) - 1, int(len(times) * share))] for share in (0.5, 0.99))
        others = {other: len(them) for other, them in sorted(self.seconds.items()) if other != status}
        return f"{name}: {len(times) / self.took:,.0f} a second with {status}, p50 {p50:.1f} ms, p99 {p99:.1f} ms" + (
            f", others {others}" if others else ""
        )


def main() -> int:
    """Run it; prints one line a measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("--passages", type=int, default=0)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--soak", type=float, default=0.0)
    chosen = parser.parse_args()
    if chosen.passages:
        fill(chosen.home, chosen.passages, TAG)
    with served(chosen.home) as (port, pid):
        asyncio.run(_measure(port, pid, chosen.clients, chosen.seconds, chosen.soak))
    return 0


@contextmanager
def served(home: Path) -> Iterator[tuple[int, int]]:
    """`tower serve` over `home`, on a free port: the port and the process id."""
    command = [sys.executable, "-m", "api.start", "serve", "--home", str(home), "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    line = next(line for line in process.stderr if line.startswith("serving "))
    try:
        yield int(line.split("127.0.0.1:")[1].split("/")[0]), process.pid
    finally:
        process.terminate()
        process.wait(120)


async def _measure(port: int, pid: int, clients: int, seconds: float, soak: float) -> None:
    words = made()
    ask: Callable[[], Request] = _question
    search: Callable[[], Request] = lambda: _search(words)  # noqa: E731
    for kind in (ask, search):
        await _load(port, kind, 1, 2.0)  # what is read once is read now
    spent = _processor_s(pid)
    calm = await _load(port, search, clients, seconds)
    spent = _processor_s(pid) - spent
    print(calm.line(f"/v1/search, {clients} clients"))
    print(f"processor time of the server for a search: {1000 * spent / len(calm.seconds[200]):.1f} ms")
    print((await _load(port, ask, clients, seconds)).line(f"/v1/ask (SQL), {clients} clients"))
    # ten times as many requests as it can answer, and no more: what is refused is not sent again at once
    flood = await _load(port, search, 10 * clients, min(seconds, 5.0), clients * calm.took / len(calm.seconds[200]))
    print(flood.line(f"/v1/search, {10 * clients} clients: admitted"))
    print(flood.line(f"/v1/search, {10 * clients} clients: refused", 429))
    alone = await _load(port, ask, 1, min(seconds, 5.0))
    print(alone.line("/v1/ask (SQL), 1 client"))
    await _stream(port)
    print(f"memory: {_anonymous_mb(pid):.0f} MB anonymous")
    if soak:
        await _load(port, lambda: ask() if next(_numbers) % 2 else search(), clients, soak)
        print(f"memory after {soak:.0f} s more: {_anonymous_mb(pid):.0f} MB anonymous")


async def _load(port: int, asked: Callable[[], Request], clients: int, seconds: float, every: float = 0.0) -> Load:
    """Each client sends its next request when the one before is answered, and not sooner than `every` seconds after
    that was sent; they begin one after the other in that time."""
    found, until, begun = Load(), time.monotonic() + seconds, time.monotonic()

    async def client(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.sleep(every * number / clients)
        while time.monotonic() < until:
            path, body = asked()
            sent = time.monotonic()
            writer.write(_request(path, body))
            status = await _status(reader)
            found.seconds.setdefault(status, []).append(time.monotonic() - sent)
            await asyncio.sleep(max(0.0, sent + every - time.monotonic()))
        writer.close()

    await asyncio.gather(*(client(number) for number in range(clients)))
    found.took = time.monotonic() - begun
    return found


def _request(path: str, body: dict[str, object], accept: str = "application/json") -> bytes:
    content = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


async def _status(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    await reader.readexactly(int(length.split(b":")[1]))
    return int(head.split()[1])


async def _stream(port: int) -> None:
    """Milliseconds to a stream's first event and first proven sentence; the median of nine questions."""
    firsts: dict[str, list[float]] = {}
    for question in itertools.islice(itertools.cycle(QUESTIONS), 9):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        sent = time.monotonic()
        writer.write(_request("/v1/ask", {"question": question}, "text/event-stream"))
        seen = Counter[str]()
        while not seen["done"]:
            line = (await reader.readline()).decode()
            if not line:
                break
            if line.startswith("event: "):
                name = line.removeprefix("event: ").strip()
                for what in ("first event", *(("first sentence",) if name in ("sentence", "done") else ())):
                    if not seen[what]:
                        firsts.setdefault(what, []).append(1000 * (time.monotonic() - sent))
                    seen[what] += 1
                seen[name] += 1
        writer.close()
    print("stream: " + ", ".join(f"{what} {statistics.median(times):.0f} ms" for what, times in firsts.items()))


def _processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _anonymous_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    return int(next(line for line in lines if line.startswith("RssAnon")).split()[1]) / 1024


if __name__ == "__main__":
    sys.exit(main())
