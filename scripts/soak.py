"""A server under a mixed load for a long time: does its memory stay steady, do threads and files go back?

    python -m scripts.soak HOME [--minutes 30] [--rate 8] [--clients 8]

HOME is an ingested workspace without users, such as a copy of that of `tower demo`: questions and drafts are added to
it. `tower serve` is started over it; questions, streams (some left in the middle), searches, drafts, pages and bad
requests come at `--rate` a second. A line a minute says what the server holds. After the first third, in which caches
fill, the verdict is `steady` where anonymous memory grows by less than `--most` MB an hour (least squares), threads and
open files end where they were, and no request failed; else the exit status is 1.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scripts.bench_http import QUESTIONS, served

REGIONS, SEGMENTS = ("EMEA", "APAC", "AMER", "LATAM"), ("enterprise", "mid-market", "SMB")
ASKED = (
    *QUESTIONS,
    "How many {segment} customers do we have in {region}?",
    "What do customers in {region} complain about?",
    "Show me the revenue trend of {year}",
    "What was our revenue in {region} in {year}?",
    "Which {segment} customers in {region} renew in the next {number} days?",
    "How many orders over {number} EUR were there in {year}?",
    "What is the weather in {region}?",
)
SEARCHES = (
    "warranty on zips and seams", "returning a damaged tent", "delivery is late", "invoice was sent twice",
    "how to wash a rain jacket", "renewal terms", "security of customer data", "cancel the contract",
)  # fmt: skip
WRITES = (
    "Draft a retention e-mail for the {segment} customer most at risk in {region}",
    "Which {segment} customers in {region} are at risk of leaving, why, and draft a retention e-mail for each?",
)
FOLLOW_UPS = ("Only those in Germany", "And in {region}?", "And in {year}?")
PAGES = ("/", "/console/examples", "/console/at-risk", "/console/at-risk?show=all&sort=due", "/console/drafts",
         "/console/sources", "/console/audit", "/console/sign-in")  # fmt: skip
KEPT = 200  # ids of answers and drafts that pages are asked for
EVERY_S = 10.0


@dataclass
class Held:
    """What the server's process holds at a moment."""

    minute: float
    rss: float
    anonymous: float
    threads: int
    files: int


@dataclass
class Load:
    """What was sent and came back."""

    port: int
    chance: random.Random
    statuses: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    answers: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT))
    drafts: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT))

    def filled(self, texts: Sequence[str]) -> str:
        """One of the texts with its names filled in."""
        return self.chance.choice(texts).format(
            region=self.chance.choice(REGIONS), segment=self.chance.choice(SEGMENTS),
            year=self.chance.choice((2024, 2025)), number=self.chance.randrange(10, 900),
        )  # fmt: skip

    async def send(self, method: str, path: str, body: object = None, *, expect: Sequence[int] = (200,)) -> bytes:
        """One request; a status that is not expected is a failure."""
        return await self._sent(method, path, body, "application/json", expect, whole=True)

    async def _sent(
        self, method: str, path: str, body: object, accept: str, expect: Sequence[int], *, whole: bool
    ) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            form = isinstance(body, str)
            content = b"" if body is None else str(body).encode() if form else json.dumps(body).encode()
            kind = "application/x-www-form-urlencoded" if form else "application/json"
            head = (
                f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\nContent-Type: {kind}\r\n"
                f"Content-Length: {len(content)}\r\nConnection: close\r\n\r\n"
            )
            writer.write(head.encode() + content)
            reply = await asyncio.wait_for(reader.read(-1) if whole else reader.readuntil(b"event: "), 60)
        finally:
            writer.close()
        status = int(reply.split(b" ", 2)[1])
        self.statuses[f"{status}"] += 1
        if status not in expect:
            self.failures.append(f"{method} {path} {body!r}: {reply[:300]!r}")
        return reply.partition(b"\r\n\r\n")[2]

    async def ask(self) -> None:
        """A question; its answer's id is kept, and now and then followed up."""
        body: dict[str, object] = {"question": self.filled(ASKED)}
        if self.answers and self.chance.random() < 0.2:
            body = {"question": self.filled(FOLLOW_UPS), "conversation_id": self.chance.choice(self.answers)}
        self._keep(json.loads(await self.send("POST", "/v1/ask", body)))

    async def write(self) -> None:
        """A question that writes drafts."""
        self._keep(json.loads(await self.send("POST", "/v1/ask", {"question": self.filled(WRITES)})))

    async def stream(self) -> None:
        """A streamed answer; every fifth reader leaves after the first event."""
        whole = self.chance.random() < 0.8
        body = {"question": self.filled(ASKED)}
        await self._sent("POST", "/v1/ask", body, "text/event-stream", (200,), whole=whole)

    async def search(self) -> None:
        """Passages."""
        words = f"{self.chance.choice(SEARCHES)} {self.filled(REGIONS)}"
        await self.send("POST", "/v1/search", {"query": words, "k": self.chance.randrange(1, 20)})

    async def page(self) -> None:
        """A page, an answer's page with its chart and a source, or the answer of a browser without scripts."""
        if not self.answers or self.chance.random() < 0.5:
            await self.send("GET", self.chance.choice(PAGES))
        elif self.chance.random() < 0.2:
            await self.send("POST", "/", f"question={self.filled(ASKED).replace(' ', '+')}")
        else:
            kept = self.chance.choice(self.answers)
            await self.send("GET", f"/console/answers/{kept}")
            await self.send("GET", f"/console/answers/{kept}/chart.svg", expect=(200, 404))
            await self.send("GET", f"/console/answers/{kept}/citations/1?part=1", expect=(200, 404))

    async def draft(self) -> None:
        """The queue, one draft, its check, an edit."""
        if not self.drafts:
            await self.send("GET", "/v1/drafts?limit=20")
            return
        one = f"drafts/{self.chance.choice(self.drafts)}"
        await self.send("GET", f"/console/{one}")
        await self.send("POST", f"/v1/{one}/lint", {"body": f"Hello {self.chance.random()}"})
        await self.send("PATCH", f"/v1/{one}", {"subject": f"About {self.chance.random():.3f}"})

    async def bad(self) -> None:
        """What is refused."""
        await self.send("POST", "/v1/ask", {"question": ""}, expect=(400,))
        await self.send("GET", f"/v1/answers/{self.chance.random()}", expect=(404,))
        await self.send("POST", "/v1/sql", {"sql": "DELETE FROM accounts"}, expect=(400,))

    def _keep(self, answer: dict[str, object]) -> None:
        self.answers.append(str(answer["id"]))
        drafts = answer.get("drafts")
        self.drafts.extend(str(one["id"]) for one in drafts) if isinstance(drafts, list) else None


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=8.0)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--most", type=float, default=24.0)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with served(chosen.home) as (port, pid):
        load = Load(port, random.Random(chosen.seed))
        seen = asyncio.run(_soak(load, pid, chosen.minutes, chosen.clients, chosen.clients / chosen.rate))
        return _verdict(seen, load, chosen.most)


async def _soak(load: Load, pid: int, minutes: float, clients: int, every: float) -> list[Held]:
    begun = time.monotonic()
    until = begun + 60 * minutes
    mixed: list[tuple[Callable[[], Awaitable[None]], int]] = [
        (load.ask, 40), (load.search, 25), (load.page, 15), (load.stream, 10), (load.draft, 6), (load.bad, 2),
        (load.write, 2),
    ]  # fmt: skip
    kinds, weights = zip(*mixed, strict=True)

    async def client() -> None:
        while time.monotonic() < until:
            sent = time.monotonic()
            try:
                await load.chance.choices(kinds, weights)[0]()
            except (OSError, ValueError, KeyError, asyncio.IncompleteReadError) as error:
                load.statuses["broken"] += 1
                load.failures.append(repr(error))
            await asyncio.sleep(max(0.0, sent + every - time.monotonic()))

    seen: list[Held] = []

    async def watch() -> None:
        told = 0
        while time.monotonic() < until:
            await asyncio.sleep(EVERY_S)
            seen.append(_held(pid, (time.monotonic() - begun) / 60))
            if int(seen[-1].minute) > told:
                told = int(seen[-1].minute)
                print(_line(seen[-1], load), flush=True)

    await asyncio.gather(watch(), *(client() for _ in range(clients)))
    await asyncio.sleep(2 * EVERY_S)  # what was abandoned ends
    seen.append(_held(pid, (time.monotonic() - begun) / 60))
    print(_line(seen[-1], load), flush=True)
    return seen


def _held(pid: int, minute: float) -> Held:
    folder = Path(f"/proc/{pid}")
    pairs = (line.split(":", 1) for line in (folder / "status").read_text("utf-8").splitlines())
    status = {name: value.split()[0] for name, value in pairs if value.split()}
    files = sum(1 for _ in (folder / "fd").iterdir())
    return Held(
        minute, int(status["VmRSS"]) / 1024, int(status["RssAnon"]) / 1024, int(status["Threads"]), files
    )  # fmt: skip


def _line(held: Held, load: Load) -> str:
    shares = ", ".join(f"{status} {count:,}" for status, count in sorted(load.statuses.items()))
    return (
        f"{held.minute:5.1f} min: RSS {held.rss:.0f} MB, anonymous {held.anonymous:.0f} MB, {held.threads} threads, "
        f"{held.files} files; {shares}; {len(load.failures)} failures"
    )


def _verdict(seen: Sequence[Held], load: Load, most: float) -> int:
    warm = [held for held in seen[:-1] if held.minute >= seen[-1].minute / 3]
    hours, memory = [held.minute / 60 for held in warm], [held.anonymous for held in warm]
    slope = statistics.linear_regression(hours, memory).slope
    before, last = warm[0], seen[-1]
    # a thread or file more may be at work when it is looked at; what leaks leaks with every request
    back = last.threads <= max(held.threads for held in warm[:6]) and last.files <= max(held.files for held in warm[:6])
    steady = slope < most and back and not load.failures
    for failure in load.failures[:20]:
        print(f"  {failure}")
    print(
        f"{'steady' if steady else 'NOT STEADY'}: anonymous memory {slope:+.1f} MB an hour after warm-up (allowed "
        f"{most:g}; {before.anonymous:.0f} to {last.anonymous:.0f} MB), threads {before.threads} to {last.threads}, "
        f"files {before.files} to {last.files}, {sum(load.statuses.values()):,} requests, {len(load.failures)} failures"
    )
    return 0 if steady else 1


if __name__ == "__main__":
    raise SystemExit(main())
