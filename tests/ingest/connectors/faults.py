"""The fault matrix: a small company in five systems, syncs of it while things go wrong, and the state they end in.

A case syncs under a fault, lets the systems change, syncs under the fault again, clears it and syncs once more. What
the SQL index then holds must be what a fresh index holds after one calm sync of the same systems.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from index.engine import open_engine
from index.store.store import Store
from tests.ingest.connectors.fault_case import GENERATION, Case, Company, fingerprint
from tests.ingest.connectors.simulators.base import Faults

Fault = Callable[[Case, Callable[[], object]], None]


def _over_http(*kinds: str) -> Fault:
    def during(case: Case, step: Callable[[], object]) -> None:
        for number, system in enumerate(case.company.systems):
            system.faults = Faults(kinds, seed=case.random.randrange(10**9) + number, rate=0.3, most=15, slow=0.4)
        try:
            step()
        finally:
            case.notes += [k for s in case.company.systems for k in s.faults.happened]
            for system in case.company.systems:
                system.faults = Faults()

    return during


def _drift(case: Case, step: Callable[[], object]) -> None:
    """Records come and go between the pages that are read."""
    company = case.company
    company.billing.on_page = lambda: company.billing.remove("things", str(company.random.randrange(26)))
    company.crm.on_page = lambda: company.crm.change("Account", f"001{company.random.randrange(40):012d}", Name="late")
    _over_http("drift")(case, step)
    company.billing.on_page = company.crm.on_page = lambda: None


def _kill(case: Case, step: Callable[[], object]) -> None:
    """The sync runs in a process of its own, which is killed at some moment."""
    case.engine.dispose()
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(BaseException):
            case.engine = case.open()
            case.store = Store(case.engine)
            step()
        os._exit(0)
    time.sleep(case.random.uniform(0.0, 0.9))
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    case.notes.append("killed" if os.WIFSIGNALED(status) else "ended before")


def _statement_fails(message: str) -> Fault:
    """The database fails at some statement, as its driver tells it."""

    def during(case: Case, step: Callable[[], object]) -> None:
        left = [case.random.randrange(5, 120)]

        def break_off(*_: Any) -> None:
            left[0] -= 1
            if left[0] == 0:
                case.notes.append(message)
                raise sqlite3.OperationalError(message)

        sa.event.listen(case.engine, "before_cursor_execute", break_off)
        try:
            step()
        except sqlite3.OperationalError:
            case.failed += 1
        finally:
            sa.event.remove(case.engine, "before_cursor_execute", break_off)

    return during


def _disk_full(case: Case, step: Callable[[], object]) -> None:
    """SQLite may not grow any more; PostgreSQL says that it cannot extend a file."""
    if case.engine.dialect.name != "sqlite":
        _statement_fails("could not extend file: No space left on device")(case, step)
        return

    def limit(connection: Any, _record: Any, _proxy: Any) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + case.random.randrange(1, 6)}")

    sa.event.listen(case.engine, "checkout", limit)
    try:
        step()
    finally:
        sa.event.remove(case.engine, "checkout", limit)
        case.engine.dispose()
        case.notes.append("full")


def _locked(case: Case, step: Callable[[], object]) -> None:
    """Another process holds the database for longer than we wait."""
    other = case.open()
    impatient: Callable[..., None]
    if case.engine.dialect.name == "sqlite":
        impatient = lambda c, *_: c.execute("PRAGMA busy_timeout = 60")  # noqa: E731
        hold = "BEGIN IMMEDIATE"
    else:
        impatient = lambda c, *_: c.execute("SET lock_timeout = '60ms'")  # noqa: E731
        hold = "LOCK TABLE _tower_sources IN ACCESS EXCLUSIVE MODE"
    sa.event.listen(case.engine, "checkout", impatient)
    done = threading.Event()

    def holder() -> None:
        while not done.is_set():
            with contextlib.suppress(sa.exc.SQLAlchemyError), other.connect() as connection:
                connection.exec_driver_sql(hold)
                time.sleep(0.3)
                connection.rollback()
            time.sleep(case.random.uniform(0.0, 0.1))

    thread = threading.Thread(target=holder)
    thread.start()
    try:
        step()
    finally:
        done.set()
        thread.join()
        sa.event.remove(case.engine, "checkout", impatient)
        case.engine.dispose()
        other.dispose()


def _database_gone(case: Case, step: Callable[[], object]) -> None:
    """PostgreSQL ends our connections while we work; SQLite cannot be read."""
    if case.engine.dialect.name == "sqlite":
        _statement_fails("disk I/O error")(case, step)
        return
    other = case.open()
    done = threading.Event()

    def killer() -> None:
        while not done.is_set():
            time.sleep(case.random.uniform(0.02, 0.3))
            with contextlib.suppress(sa.exc.SQLAlchemyError), other.begin() as connection:
                connection.exec_driver_sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )

    thread = threading.Thread(target=killer)
    thread.start()
    try:
        step()
    finally:
        done.set()
        thread.join()
        case.engine.dispose()
        other.dispose()


class _Gone:
    """A vector engine that fails at some call."""

    def __init__(self, inner: Any, at: int) -> None:
        self._inner, self._left = inner, at

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._inner, name)

        def fragile(*args: Any, **more: Any) -> Any:
            self._left -= 1
            if self._left <= 0:
                raise OSError("the vector engine is gone")
            return call(*args, **more)

        return fragile


def _vectors_gone(case: Case, step: Callable[[], object]) -> None:
    step()
    with contextlib.suppress(OSError):
        case.index(_Gone(case.gateway, case.random.randrange(1, 6)))


def _nothing(case: Case, step: Callable[[], object]) -> None:
    """Every system answers, and has nothing to say. What is held has to stay."""
    before = {name: rows for name, rows in case.state().items() if not name.startswith("documents")}
    for system in (case.company.crm, case.company.billing):
        system.empty = True
    try:
        step()
    finally:
        for system in (case.company.crm, case.company.billing):
            system.empty = False
    for name in ("accounts", "invoices"):
        if name in before:
            after = case.state()[name]
            lost = {r[0] for r in before[name][1:]} - {r[0] for r in after[1:]}
            told = {key for s in (case.company.crm, case.company.billing) for g in s.graves.values() for key in g}
            assert lost <= told, f"{name} lost {sorted(lost - told)[:5]} to a source that said nothing"


def _poison(case: Case, step: Callable[[], object]) -> None:
    """Files that no reader can take; the others must come all the same."""
    folder = case.company.home / "notes"
    poison = {
        "a.pdf": b"%PDF-1.7 \x00 nothing",
        "b.docx": b"PK\x03\x04 cut",
        "c.json": b"[" * 50_000,
        "d.csv": b"\x00" * 99,
    }
    for name, content in poison.items():
        (folder / name).write_bytes(content)
    try:
        reports = step()
        assert not isinstance(reports, list) or all(r.ok for r in reports if r.source == "notes")
    finally:
        for name in poison:
            (folder / name).unlink()


def _two_at_once(case: Case, step: Callable[[], object]) -> None:
    """Two syncs of everything at the same time, each with a store of its own."""
    other = Case(case.company, case.open, random.Random(1))
    second = threading.Thread(target=other.sync)
    second.start()
    step()
    second.join()
    other.engine.dispose()


def _new_column(case: Case, step: Callable[[], object]) -> None:
    company = case.company
    company.crm.change("Account", "001000000000001", Tier="gold")
    company.billing.change("1", tier="gold")
    step()


def _type_change(case: Case, step: Callable[[], object]) -> None:
    """A number is suddenly a text. It is set aside, and what was held of it stays; later it is a number again."""
    company = case.company
    if not case.store.tables():
        step()
        return
    company.billing.change("2", amount="a lot", name="odd")
    company.crm.types["Amount"] = "string"
    step()
    company.billing.change("2", amount=7, name="odd")
    company.crm.types.pop("Amount")


def _deletes(case: Case, step: Callable[[], object]) -> None:
    case.company.change(deletes=11)
    step()


def _as_it_is(case: Case, step: Callable[[], object]) -> None:
    step()


FAULTS: dict[str, Fault] = {
    "kill -9": _kill,
    "disk full": _disk_full,
    "429": _over_http("too_many"),
    "500": _over_http("server_error"),
    "502": _over_http("bad_gateway"),
    "503": _over_http("unavailable"),
    "timeout": _over_http("timeout"),
    "connection reset": _over_http("reset"),
    "answer cut off": _over_http("half"),
    "broken JSON": _over_http("broken_json"),
    "maintenance page": _over_http("html"),
    "token expires mid-page": _over_http("expired"),
    "everything over HTTP": _over_http("too_many", "server_error", "reset", "half", "broken_json", "html", "expired"),
    "page drift": _drift,
    "duplicates": _over_http("duplicates"),
    "reordered": _over_http("reordered"),
    "clock +24 h": _as_it_is,
    "clock -24 h": _as_it_is,
    "deletes": _deletes,
    "new column": _new_column,
    "type change": _type_change,
    "two syncs at once": _two_at_once,
    "database locked": _locked,
    "database gone": _database_gone,
    "vector engine gone": _vectors_gone,
    "source gives nothing": _nothing,
    "poison files": _poison,
}
SKEWS = {"clock +24 h": 24.0, "clock -24 h": -24.0}


def run_case(name: str, seed: int, home: Path, open_index: Callable[[str], sa.Engine]) -> Case:
    """Run one case; an `AssertionError` says how its end differs from the calm one. `open_index` opens an index by
    name, empty at first."""
    shutil.rmtree(home, ignore_errors=True)
    company = Company(home, seed, SKEWS.get(name, 0.0))
    with company.running():
        company.begin()
        case = Case(company, lambda: open_index("faulty"), random.Random(f"{name}/{seed}"))
        fault = FAULTS[name]
        fault(case, case.sync)
        company.change()
        fault(case, case.sync)
        case.sync(calm=True)
        case.index()
        calm = Case(company, lambda: open_index("calm"), random.Random(seed))
        calm.sync(calm=True)
        calm.index()
        _compare(case.state(), calm.state())
        held, expected = (c.store.count_vectors(GENERATION) for c in (case, calm))
        assert held == expected == case.gateway.count(), f"{held} vectors instead of {expected}"
        assert not case.store.count_pending(GENERATION) and not case.store.stale_vectors(GENERATION)
        for one in (case, calm):
            one.engine.dispose()
    return case


def _compare(found: dict[str, Any], expected: dict[str, Any]) -> None:
    if fingerprint(found) == fingerprint(expected):
        return
    for name in sorted({*found, *expected}):
        if found.get(name) != expected.get(name):
            mine, other = found.get(name) or [], expected.get(name) or []
            raise AssertionError(
                f"{name} differs: only here {[r for r in mine if r not in other][:3]}, "
                f"only in calm {[r for r in other if r not in mine][:3]}"
            )


def sqlite_index(home: Path) -> Callable[[str], sa.Engine]:
    """Indices as SQLite files in `home`."""
    return lambda name: open_engine(f"sqlite:///{home / f'{name}.sqlite'}")
