"""The ordering portal's analytics: weekly usage per account and product views, exported as Parquet by quarter."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path
from typing import Any

from data.generator.clock import TODAY, WEEKS, quarter_start, week_start
from data.generator.shop import SUMMER
from data.generator.world import Account, Row, World

VIEWS_A_WEEK = {"Enterprise": 0.62, "Mid-Market": 0.22, "SMB": 0.1}


def build(world: World) -> None:
    """Fill `usage` and `product_views` with clean rows."""
    world.tables["usage"] = [row for account in world.accounts for row in _usage(world, account)]
    world.tables["product_views"] = _views(world)


def _usage(world: World, account: Account) -> list[Row]:
    rng = world.random(f"usage {account.account_id}")
    base = account.seats * rng.uniform(2.6, 4.4)
    share = rng.uniform(0.34, 0.48) if account.quirk == "spare seats" else rng.uniform(0.6, 0.86)
    swing, phase = (0.34, rng.random()) if account.quirk == "seasonal" else (0.08, 0.0)
    rows = []
    for week in range(WEEKS):
        day = week_start(week)
        if not account.alive(day):
            continue
        wave = 1 + swing * math.sin(2 * math.pi * (week / 26 + phase)) + rng.gauss(0, 0.08)
        sessions = base * wave * (1 - 0.8 * account.pull("usage", week))
        ratio = (share + rng.gauss(0, 0.04)) * (1 - 0.7 * account.pull("seats", week))
        active = max(1 if account.seats > 2 else 0, min(account.seats, round(account.seats * ratio)))
        rows.append(
            {
                "usage_id": f"{account.account_id}-{day:%Y%m%d}",
                "account_id": account.account_id,
                "week": day,
                "sessions": max(1, round(sessions)),
                "active_users": active,
                "seats": account.seats,
                "portal_orders": sum(rng.random() < 0.08 for _ in range(3)),
            }
        )
    return rows


def _views(world: World) -> list[Row]:
    rng = world.random("views")
    products = world.tables["products"]
    summer = [p for p in products if p["collection"] == SUMMER]
    by_account: dict[str, list[Row]] = {}
    for contact in world.tables["contacts"]:
        by_account.setdefault(contact["account_id"], []).append(contact)
    rows: list[Row] = []
    for week in range(WEEKS):
        day = week_start(week)
        for account in world.accounts:
            if not account.alive(day):
                continue
            rate = VIEWS_A_WEEK[account.segment] * (1.9 if week >= WEEKS - 10 else 1.0)
            rate *= 1 - 0.6 * account.pull("usage", week)
            for _ in range(int(rate) + (rng.random() < rate % 1)):
                pool = summer if week >= WEEKS - 6 and rng.random() < 0.3 else products
                product = rng.choice(pool)
                at = dt.datetime.combine(day, dt.time(7)) + dt.timedelta(
                    days=rng.randint(0, 5), minutes=rng.randint(0, 700)
                )
                if at.date() >= TODAY or (pool is products and product["launch_date"] > at.date()):
                    continue
                rows.append(
                    {
                        "view_id": "",
                        "account_id": account.account_id,
                        "contact_id": rng.choice(by_account[account.account_id])["contact_id"],
                        "product_id": product["product_id"],
                        "viewed_at": at,
                        "seconds": rng.randint(5, 240),
                    }
                )
    rows.sort(key=lambda r: (r["viewed_at"], r["account_id"], r["product_id"]))
    for number, row in enumerate(rows, 1):
        row["view_id"] = f"VIEW-{number:06d}"
    return rows


def write(world: World, out: Path) -> None:
    """Write `out`/portal/usage_*.parquet and views_*.parquet, one a quarter, and a file that broke off."""
    folder = out / "portal"
    folder.mkdir(parents=True, exist_ok=True)
    for stem, table, time in (("usage", "usage", "week"), ("views", "product_views", "viewed_at")):
        quarters: dict[dt.date, list[Row]] = {}
        for row in world.tables[table]:
            day = row[time].date() if isinstance(row[time], dt.datetime) else row[time]
            quarters.setdefault(quarter_start(day), []).append(row)
        for start, rows in sorted(quarters.items()):
            _parquet(folder / f"{stem}_{start.year}Q{(start.month + 2) // 3}.parquet", rows)
    (folder / "views_2026Q2_part.parquet").write_bytes(b"PAR1" + bytes(range(256)) * 4)
    world.dirt.add(
        "portal", "product_views", "unreadable file", 1, "quarantined", "views_2026Q2_part.parquet broke off"
    )


def _parquet(path: Path, rows: list[Row]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, list[Any]] = {name: [row[name] for row in rows] for name in rows[0]}
    pq.write_table(pa.table(columns), path, compression="zstd")
