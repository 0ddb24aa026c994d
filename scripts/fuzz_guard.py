"""The guard's oracle over generated schemas: random queries of eight roles on the full database, against the originals
on databases that hold only what each role may see.

    python -m scripts.fuzz_guard sqlite --count 200000
    python -m scripts.fuzz_guard postgres --count 20000

Run it in a checkout. PostgreSQL is started from its wheel, or is the one that TOWER_TEST_POSTGRES_URL names.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import tempfile
import time
from pathlib import Path

from tests.index.judging import Verdicts, run
from tests.index.schemas import oracle
from tests.postgres import postgres_url

PER_SCHEMA = 200


def fuzz(dialect: str, place: Path | str, first: int, count: int) -> Verdicts:
    """Judge `count` queries over as many schemas as that takes, the first made from the seed `first`.

    Stopped by Ctrl-C or SIGTERM, it says what it has seen so far."""
    verdicts = Verdicts()
    with contextlib.suppress(KeyboardInterrupt):
        _fuzz(dialect, place, first, count, verdicts)
    return verdicts


def _fuzz(dialect: str, place: Path | str, first: int, count: int, verdicts: Verdicts) -> None:
    for number, done in enumerate(range(0, count, PER_SCHEMA), first):
        queries = min(PER_SCHEMA, count - done)
        with oracle(number, dialect, place) as worlds:
            run(worlds, range(number * PER_SCHEMA, number * PER_SCHEMA + queries), verdicts)


def main() -> int:
    """Run it; the exit status is 1 where a query differed or told something."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dialect", choices=("sqlite", "postgres"))
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=1, help="the seed of the first schema")
    arguments = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):  # also where it was started in the background
        signal.signal(number, signal.default_int_handler)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        place = folder if arguments.dialect == "sqlite" else postgres_url()
        verdicts = fuzz(arguments.dialect, place, arguments.first, arguments.count)
    told = ", ".join(f"{count:,} {what}" for what, count in verdicts.counts.most_common())
    seen = sum(verdicts.counts.values())
    print(f"{arguments.dialect}: {seen:,} queries in {time.monotonic() - begun:,.0f} s: {told}")
    print(f"{len(verdicts.faults)} faults")
    for fault in verdicts.faults[:20]:
        print(f"  {fault}")
    return 1 if verdicts.faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
