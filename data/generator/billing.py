"""Billing: contracts, invoices and payments in a SQLite file that stands for the billing database."""

from __future__ import annotations

import datetime as dt
import random
import sqlite3
from collections import defaultdict
from pathlib import Path

from data.generator import crm
from data.generator.clock import TODAY, week_of
from data.generator.world import Account, Row, World

TABLES: dict[str, str] = {
    "contracts": "contract_id TEXT PRIMARY KEY, account_id TEXT NOT NULL, start_date DATE, end_date DATE, "
    "annual_value NUMERIC, currency TEXT, seats INTEGER, discount_percent INTEGER, payment_terms_days INTEGER, "
    "notice_days INTEGER, sla_hours INTEGER, status TEXT, updated_at TIMESTAMP",
    "invoices": "invoice_id TEXT PRIMARY KEY, account_id TEXT NOT NULL, order_id TEXT, issued_on DATE, due_on DATE, "
    "amount NUMERIC(12, 2), status TEXT, paid_on DATE, updated_at TIMESTAMP",
    "payments": "payment_id TEXT PRIMARY KEY, invoice_id TEXT NOT NULL REFERENCES invoices, account_id TEXT, "
    "paid_on DATE, amount NUMERIC(12, 2), method TEXT, updated_at TIMESTAMP",
}


def build_contracts(world: World) -> None:
    """Fill the contracts (the CRM's renewals are drawn from them)."""
    world.tables["contracts"] = [dict(r, updated_at=_stamp(r["start_date"])) for r in crm.contracts(world)]


def build(world: World) -> None:
    """Fill invoices (one an order) and payments; who is leaving pays late."""
    rng = world.random("billing")
    totals: dict[str, float] = defaultdict(float)
    for line in world.tables["order_lines"]:
        totals[line["order_id"]] += line["net_amount"]
    accounts = {a.account_id: a for a in world.accounts}
    invoices: list[Row] = []
    payments: list[Row] = []
    for order in world.tables["orders"]:
        account = accounts[order["account_id"]]
        issued = order["order_date"] + dt.timedelta(days=rng.randint(1, 3))
        if issued > TODAY:
            continue
        due = issued + dt.timedelta(days=account.payment_terms_days)
        paid = _paid(rng, account, issued, due)
        status = "Paid" if paid else ("Overdue" if due < TODAY else "Open")
        invoice_id = f"INV-{len(invoices) + 1:06d}"
        amount = round(totals[order["order_id"]], 2)
        invoices.append(
            {
                "invoice_id": invoice_id,
                "account_id": account.account_id,
                "order_id": order["order_id"],
                "issued_on": issued,
                "due_on": due,
                "amount": amount,
                "status": status,
                "paid_on": paid,
                "updated_at": _stamp(paid or issued),
            }
        )
        if paid:
            payments.append(
                {
                    "payment_id": f"PAY-{len(payments) + 1:06d}",
                    "invoice_id": invoice_id,
                    "account_id": account.account_id,
                    "paid_on": paid,
                    "amount": amount,
                    "method": rng.choice(("Bank Transfer", "Bank Transfer", "Direct Debit", "Credit Card")),
                    "updated_at": _stamp(paid),
                }
            )
    world.tables["invoices"], world.tables["payments"] = invoices, payments


def _paid(rng: random.Random, account: Account, issued: dt.date, due: dt.date) -> dt.date | None:
    """The day an invoice was paid, or None while it is not paid by `TODAY`."""
    trouble = account.level(week_of(due)) * (0.97 if account.drivers.get("billing", 0) >= 1 else 0.85)
    if account.story in ("churned", "at_risk") and rng.random() < trouble:
        paid = due + dt.timedelta(days=rng.randint(75, 110))
        if account.churned_on:
            paid = max(paid, account.churned_on + dt.timedelta(days=rng.randint(5, 40)))
    elif account.quirk == "slow payer" and rng.random() < 0.8:
        paid = due + dt.timedelta(days=rng.randint(20, 60))
    elif rng.random() < 0.05:
        paid = due + dt.timedelta(days=rng.randint(3, 14))
    else:
        paid = max(issued, due - dt.timedelta(days=rng.randint(0, 18)))
    return paid if paid < TODAY else None


def _stamp(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(18, 30))


def write(world: World, out: Path) -> None:
    """Write `out`/billing/billing.sqlite."""
    folder = out / "billing"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "billing.sqlite"
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA synchronous = OFF")
        for table, columns in TABLES.items():
            connection.execute(f"CREATE TABLE {table} ({columns})")
            rows = world.tables[table]
            fields = tuple(rows[0])
            marks = ", ".join("?" * len(fields))
            connection.executemany(
                f"INSERT INTO {table} ({', '.join(fields)}) VALUES ({marks})",
                [[_plain(r[f]) for f in fields] for r in rows],
            )
        connection.commit()
    finally:
        connection.close()


def _plain(value: object) -> object:
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, dt.date) else value
