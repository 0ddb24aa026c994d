"""The guard's oracle over generated schemas: random queries of eight roles on the full database, against the originals
on databases that hold only what each role may see.

    python -m scripts.fuzz_guard sqlite --count 200000
    python -m scripts.fuzz_guard postgres --count 20000
    python -m scripts.fuzz_guard postgres --count 20000 --row-level-security

The last has the database refuse as well (`index.row_level_security`), and runs each query also as it is, as if it had
slipped past the guard. Run it in a checkout. PostgreSQL is started from its wheel, or is the one that
TOWER_TEST_POSTGRES_URL names.
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


def fuzz(dialect: str, place: Path | str, first: int, count: int, *, readers: bool = False) -> Verdicts:
    """Judge `count` queries over as many schemas as that takes, the first made from the seed `first`.

    Stopped by Ctrl-C or SIGTERM, it says what it has seen so far."""
    verdicts = Verdicts()
    with contextlib.suppress(KeyboardInterrupt):
        _fuzz(dialect, place, first, count, readers, verdicts)
    return verdicts


def _fuzz(dialect: str, place: Path | str, first: int, count: int, readers: bool, verdicts: Verdicts) -> None:
    for number, done in enumerate(range(0, count, PER_SCHEMA), first):
        queries = min(PER_SCHEMA, count - done)
        with oracle(number, dialect, place, readers=readers) as worlds:
            run(worlds, range(number * PER_SCHEMA, number * PER_SCHEMA + queries), verdicts)


def main() -> int:
    """Run it; the exit status is 1 where a query differed or told something."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dialect", choices=("sqlite", "postgres"))
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=1, help="the seed of the first schema")
    parser.add_argument("--row-level-security", action="store_true", help="as with index.row_level_security")
    arguments = parser.parse_args()
    if arguments.row_level_security and arguments.dialect != "postgres":
        parser.error("--row-level-security is PostgreSQL's")
    for number in (signal.SIGINT, signal.SIGTERM):  # also where it was started in the background
        signal.signal(number, signal.default_int_handler)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        place = folder if arguments.dialect == "sqlite" else postgres_url()
        verdicts = fuzz(
            arguments.dialect, place, arguments.first, arguments.count, readers=arguments.row_level_security
        )
    told = ", ".join(f"{count:,} {what}" for what, count in verdicts.counts.most_common())
    seen = sum(count for what, count in verdicts.counts.items() if not what.startswith("slipped"))
    print(f"{arguments.dialect}: {seen:,} queries in {time.monotonic() - begun:,.0f} s: {told}")
    print(f"{len(verdicts.faults)} faults")
    for fault in verdicts.faults[:20]:
        print(f"  {fault}")
    return 1 if verdicts.faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
