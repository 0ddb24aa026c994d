"""How fast a sync is: rows from a simulated CRM (bulk and SOQL over HTTP) and a billing database into the SQL index.

    python scripts/bench_sync.py --rows 100000
    python scripts/bench_sync.py --rows 1000000 --postgresql postgresql+psycopg://postgres@127.0.0.1:5432/postgres

Half of the rows are CRM accounts, served by another process over HTTP, half are invoices of a SQLite database. Prints
rows a second of the first sync, of one of the unchanged sources, and of one after 1 % changed, with the memory that the
syncing process reached.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from index.engine import open_engine
from index.store.store import Store
from ingest.config import load_sources
from ingest.sync.sources import sync
from scripts.faults import postgresql_index
from tests.ingest.connectors.simulators.base import Request, Response
from tests.ingest.connectors.simulators.salesforce import Salesforce


class LargeOrg(Salesforce):
    """An org whose parts of a bulk query are written once, so that what is measured is the sync."""

    def __init__(self, rows: int) -> None:
        super().__init__(page=2_000)
        self.limit = 10**9
        self.columns = ["Id", "SystemModstamp", "Name", "Region__c", "AnnualRevenue", "NumberOfEmployees", "IsActive"]
        self.types |= {"AnnualRevenue": "double", "NumberOfEmployees": "int", "IsActive": "boolean"}
        for n in range(rows):
            self.add(n, f"Company {n}")

    def add(self, n: int, name: str) -> None:
        """Write a record, as changed now."""
        stamp = self.tick(1.0).replace("Z", "+0000")
        values = {"Id": f"001{n:012d}AAA", "SystemModstamp": stamp, "Name": name, "Region__c": ("EMEA", "APAC")[n % 2]}
        more = {"AnnualRevenue": n * 10.5, "NumberOfEmployees": n % 5_000, "IsActive": n % 3 > 0}
        self.put("Account", values["Id"], **{**values, **more})

    def answer(self, request: Request) -> Response:
        """The simulator's answers, and one more for changing some records."""
        if request.path == "/change":
            for n in range(int(request.query["count"])):
                self.add(n * 97 % len(self.rows["Account"]), f"Changed {n}")
            return Response({"changed": True})
        return super().answer(request)

    def _fields(self, name: str) -> dict[str, str]:
        return {column: self.types.get(column, "string") for column in self.columns}


def serve(rows: int, pipe: Any) -> None:
    """Serve an org until the pipe says stop."""
    org = LargeOrg(rows)
    with org.running():
        pipe.send(org.url)
        pipe.recv()


def write_billing(path: Path, rows: int) -> None:
    """A billing database of so many invoices."""
    with sqlite3.connect(path) as connection:
        connection.execute(
            "CREATE TABLE invoices (invoice_id INTEGER PRIMARY KEY, account_id TEXT, amount NUMERIC(12,2), "
            "issued DATE, status TEXT, updated_at TEXT)"
        )
        made = (
            (n, f"001{n % 50_000:012d}AAA", n * 1.25, f"2026-01-{n % 28 + 1:02d}", ("paid", "open")[n % 2],
             f"2026-02-{n % 28 + 1:02d} 08:00:00")
            for n in range(rows)
        )  # fmt: skip
        connection.executemany("INSERT INTO invoices VALUES (?, ?, ?, ?, ?, ?)", made)
    connection.close()


def main() -> int:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--postgresql", metavar="URL")
    arguments = parser.parse_args()
    half = arguments.rows // 2
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(half, theirs))
    server.start()
    url = ours.recv()
    try:
        with tempfile.TemporaryDirectory() as folder:
            _measure(Path(folder), url, half, arguments.postgresql)
    finally:
        ours.send("stop")
        server.join()
    return 0


def _measure(home: Path, url: str, half: int, postgresql: str | None) -> None:
    import httpx

    write_billing(home / "billing.sqlite", half)
    sources = {
        "crm": {
            "kind": "salesforce", "login_url": url, "client_id": Salesforce.client, "client_secret": Salesforce.secret,
            "objects": ["Account"], "tables": {"accounts": {"from": "Account"}}, "bulk_wait": 0.01,
            "bulk_page": 20_000, "timeout": 120,
        },
        "billing": {"kind": "sql", "url": "sqlite:///billing.sqlite",
                    "tables": {"invoices": {"from": "invoices", "cursor": "updated_at"}}},
    }  # fmt: skip
    config = load_sources(sources, home, {})
    engine = postgresql_index(postgresql)("bench") if postgresql else open_engine(f"sqlite:///{home / 'tower.sqlite'}")
    store = Store(engine)
    _timed("first sync", config, store, 2 * half)
    _timed("unchanged", config, store, 2 * half)
    token = httpx.post(f"{url}/services/oauth2/token", data={
        "grant_type": "client_credentials", "client_id": Salesforce.client, "client_secret": Salesforce.secret,
    }).json()["access_token"]  # fmt: skip
    httpx.get(f"{url}/change", params={"count": half // 100}, headers={"Authorization": f"Bearer {token}"}, timeout=60)
    with sqlite3.connect(home / "billing.sqlite") as connection:
        connection.execute(
            "UPDATE invoices SET status = 'late', updated_at = '2026-03-01 09:00:00' WHERE invoice_id % 100 = 7"
        )
    connection.close()
    _timed("1 % changed", config, store, 2 * half)
    engine.dispose()


def _timed(what: str, config: Any, store: Store, rows: int) -> None:
    begun, processor = time.monotonic(), time.process_time()
    reports = sync(config, store, None)
    took, worked = time.monotonic() - begun, time.process_time() - processor
    assert all(report.ok for report in reports), [report.message for report in reports]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    each = {r.source: {"loaded": r.totals.loaded, "seconds": round(r.seconds, 2)} for r in reports}
    print(
        f"{what:12} {rows:,} rows: {took:.1f} s ({rows / took:,.0f} rows/s), {worked:.1f} s of processor "
        f"({rows / max(worked, 0.01):,.0f} rows/s), memory at most {peak:.0f} MB so far; {json.dumps(each)}",
        flush=True,
    )


if __name__ == "__main__":
    raise SystemExit(main())
