"""Run the fault matrix: every fault by every seed, on SQLite and, with --postgresql URL, on PostgreSQL.

    python scripts/faults.py --seeds 20
    python scripts/faults.py --seeds 20 --postgresql postgresql+psycopg://postgres@127.0.0.1:5432/postgres

Each case has to end in the state of a calm sync. One line a fault, then one for the whole; exit status 1 where a case
failed. The user of the URL must be allowed to create databases.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import sqlalchemy as sa

from index.engine import open_engine
from tests.ingest.connectors.faults import FAULTS, run_case, sqlite_index

PREFIX = "tower_faults_"


def main() -> int:
    """Run what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--fault", action="append", choices=list(FAULTS), help="only this one; may be repeated")
    parser.add_argument("--postgresql", metavar="URL", help="run on this server instead of SQLite")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    begun, bad, total = time.monotonic(), 0, 0
    for name in arguments.fault or FAULTS:
        failures: list[str] = []
        happened = failed = 0
        for seed in range(arguments.first, arguments.first + arguments.seeds):
            total += 1
            with tempfile.TemporaryDirectory() as folder:
                home = Path(folder) / "home"
                opener = postgresql_index(arguments.postgresql) if arguments.postgresql else sqlite_index(home)
                try:
                    case = run_case(name, seed, home, opener)
                    happened, failed = happened + len(case.notes), failed + case.failed
                except Exception as error:
                    failures.append(f"seed {seed}: {type(error).__name__}: {error}")
        bad += len(failures)
        print(
            f"{name:24} {arguments.seeds - len(failures)}/{arguments.seeds} ended as the calm run; "
            f"{happened} faults seen, {failed} source syncs failed on the way",
            flush=True,
        )
        for line in failures[:3]:
            print(f"    {line[:600]}", flush=True)
    engine = "PostgreSQL" if arguments.postgresql else "SQLite"
    print(f"{total - bad} of {total} cases on {engine} ended as the calm run, in {time.monotonic() - begun:.0f} s")
    return 1 if bad else 0


def postgresql_index(url: str) -> Callable[[str], sa.Engine]:
    """Indices as databases of a server; each is made anew when it is first opened."""
    made: set[str] = set()

    def opened(name: str) -> sa.Engine:
        database = f"{PREFIX}{name}"
        if name not in made:
            made.add(name)
            server = sa.create_engine(url, isolation_level="AUTOCOMMIT")
            with server.connect() as connection:
                connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
                connection.exec_driver_sql(f"CREATE DATABASE {database} TEMPLATE template0 ENCODING 'UTF8'")
            server.dispose()
        target = sa.engine.make_url(url).set(database=database)
        return open_engine(target.render_as_string(hide_password=False))

    return opened


if __name__ == "__main__":
    raise SystemExit(main())
