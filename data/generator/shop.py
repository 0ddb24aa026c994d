"""The shop system: products, orders and order lines, exported as CSV in the encodings its ages left behind."""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
import random
from pathlib import Path

from data.generator import names
from data.generator.clock import TODAY, WEEKS, week_start
from data.generator.world import Account, Row, World, ascii_slug

PRODUCTS = 1000
SUMMER = "Summer 2026"
SUMMER_LAUNCH = dt.date(2026, 6, 15)
COLLECTIONS: tuple[tuple[str, dt.date, float], ...] = (
    ("Core", dt.date(2022, 3, 1), 0.46),
    ("Winter 2024", dt.date(2024, 9, 16), 0.18),
    ("Summer 2025", dt.date(2025, 4, 14), 0.18),
    ("Winter 2025", dt.date(2025, 9, 15), 0.18),
)
SUMMER_NOUNS = (
    ("Jackets", "Rain Jacket"),
    ("Jackets", "Softshell Jacket"),
    ("Trousers", "Shorts"),
    ("Trousers", "Trekking Trousers"),
    ("Base Layers", "Trail Tee"),
    ("Base Layers", "Merino Shirt"),
    ("Footwear", "Trail Shoes"),
    ("Footwear", "Hiking Boots"),
    ("Backpacks", "Daypack 24"),
    ("Tents", "Ultralight Tent"),
    ("Tents", "Two-Person Tent"),
    ("Sleeping Bags", "Summer Quilt"),
    ("Cookware", "Gas Stove"),
    ("Cookware", "Coffee Press"),
    ("Climbing", "Helmet"),
    ("Lighting", "Camp Lantern"),
    ("Lighting", "Headlamp"),
    ("Bottles & Mugs", "Insulated Bottle"),
    ("Bottles & Mugs", "Camp Mug"),
    ("Trekking Poles", "Folding Poles"),
)
ORDERS_A_WEEK = {"Enterprise": 0.29, "Mid-Market": 0.125, "SMB": 0.068}
QUANTITY = {"Enterprise": (30, 220), "Mid-Market": (10, 60), "SMB": (2, 16)}
REGION_FACTOR = {"EMEA": 1.0, "AMER": 1.06, "APAC": 0.95, "LATAM": 0.9}
WAREHOUSE = {"EMEA": "Munich", "AMER": "Reno", "APAC": "Osaka", "LATAM": "Santiago"}
ORDER_FIELDS = (
    "order_id",
    "account_id",
    "order_date",
    "requested_on",
    "delivered_on",
    "status",
    "channel",
    "warehouse",
    "po_number",
)
LINE_FIELDS = ("line_id", "order_id", "product_id", "quantity", "unit_price", "discount_percent", "net_amount")


def build(world: World) -> None:
    """Fill products, orders and order lines with clean rows."""
    world.tables["products"] = _products(world)
    _orders(world)


def _products(world: World) -> list[Row]:
    rng = world.random("products")
    pairs = [(r, c, noun) for r in names.RANGES for c, nouns in names.CATEGORIES.items() for noun in nouns]
    summer_ranges = rng.sample(names.RANGES, 2)
    wanted = {(summer_ranges[at % 2], c, n) for at, (c, n) in enumerate(SUMMER_NOUNS)}
    summer = [p for p in pairs if (p[0], p[1], p[2][0]) in wanted]
    rest = rng.sample([p for p in pairs if p not in summer], PRODUCTS - len(summer))
    rows: list[Row] = []
    for at, (prefix, category, (noun, base, warranty)) in enumerate(rest + summer):
        collection, launch = SUMMER, SUMMER_LAUNCH
        if at < len(rest):
            collection, launch, _ = rng.choices(COLLECTIONS, [c[2] for c in COLLECTIONS])[0]
        sku = f"AO-{10001 + at}"
        rows.append(
            {
                "product_id": sku,
                "name": f"{prefix} {noun}",
                "category": category,
                "collection": collection,
                "launch_date": launch,
                "list_price": round(base * rng.uniform(0.8, 1.25)) - 0.05,
                "warranty_class": warranty,
                "colour": rng.choice(tuple(names.COLOURS)),
                "material": rng.choice(names.MATERIALS[category]),
                "weight_g": int(base * rng.uniform(2.0, 5.0)) + 40,
                "picture": f"pictures/{sku}-{ascii_slug(prefix + noun)}.png",
                "discontinued": collection == "Winter 2024" and rng.random() < 0.3,
            }
        )
    return rows


def season(day: dt.date) -> float:
    """The share of an average week's demand on `day`: higher in spring and before winter."""
    angle = 2 * math.pi * (day.timetuple().tm_yday - 110) / 365
    growth = 1 + 0.0012 * ((day - dt.date(2024, 5, 20)).days / 7)
    return (1 + 0.12 * math.cos(2 * angle)) * growth


def _orders(world: World) -> None:
    rng = world.random("orders")
    products = [p for p in world.tables["products"] if p["collection"] != SUMMER]
    weights = [1 / (1 + at * 0.02) for at in range(len(products))]
    rng.shuffle(weights)
    pools: dict[int, tuple[list[Row], list[float]]] = {}

    def launched(day: dt.date) -> tuple[list[Row], list[float]]:
        """What could be ordered on `day`, with its weights."""
        seasons = sum(launch <= day for _, launch, _ in COLLECTIONS)
        if seasons not in pools:
            known = [(p, w) for p, w in zip(products, weights, strict=True) if p["launch_date"] <= day]
            pools[seasons] = ([p for p, _ in known], [w for _, w in known])
        return pools[seasons]

    drafts: list[tuple[dt.date, Account]] = []
    for account in world.accounts:
        drafts += _order_days(rng, account)
    drafts.sort(key=lambda pair: (pair[0], pair[1].account_id))
    orders: list[Row] = []
    lines: list[Row] = []
    for day, account in drafts:
        order = _order(rng, f"ORD-{len(orders) + 1:06d}", day, account)
        orders.append(order)
        count = rng.choice((1, 2, 3, 3, 4, 4))
        pool, pool_weights = launched(day)
        picked = {p["product_id"]: p for p in rng.choices(pool, pool_weights, k=count)}
        for number, product in enumerate(picked.values(), 1):
            lines.append(_line(rng, order, number, product, account))
    world.tables["orders"], world.tables["order_lines"] = orders, lines


def _order_days(rng: random.Random, account: Account) -> list[tuple[dt.date, Account]]:
    days = []
    rate = ORDERS_A_WEEK[account.segment] * REGION_FACTOR[account.region] * rng.uniform(0.7, 1.3)
    for week in range(WEEKS):
        day = week_start(week) + dt.timedelta(days=rng.randint(0, 4))
        if account.alive(day) and rng.random() < rate * season(day) * (1 - 0.45 * account.pull("usage", week)):
            days.append((day, account))
    if account.story == "at_risk":  # an order whose invoice is overdue today, whatever chance said
        days.append((week_start(WEEKS - rng.randint(8, 10)) + dt.timedelta(days=rng.randint(0, 3)), account))
    return days


def _order(rng: random.Random, order_id: str, day: dt.date, account: Account) -> Row:
    requested = day + dt.timedelta(days=rng.choice((7, 10, 14)))
    late = rng.random() < (0.1 if account.level((day - week_start(0)).days // 7) < 0.5 else 0.35)
    delivered = requested + dt.timedelta(days=rng.randint(2, 12) if late else -rng.randint(0, 4))
    status, arrived = "Delivered", delivered if delivered < TODAY else None
    if arrived is None:
        status = "Shipped" if (TODAY - day).days > 4 else "Processing"
    return {
        "order_id": order_id,
        "account_id": account.account_id,
        "order_date": day,
        "requested_on": requested,
        "delivered_on": arrived,
        "status": status,
        "channel": rng.choices(("Portal", "EDI", "Sales Rep"), (0.55, 0.25, 0.2))[0],
        "warehouse": WAREHOUSE[account.region],
        "po_number": f"PO{rng.randint(100000, 999999)}",
        "promo_code": rng.choice(("SPRING26", "TRADE5", "")) if day >= dt.date(2026, 1, 1) else "",
    }


def _line(rng: random.Random, order: Row, number: int, product: Row, account: Account) -> Row:
    quantity = round(rng.randint(*QUANTITY[account.segment]) * account.volume)
    unit = round(product["list_price"] * 0.55, 2)
    return {
        "line_id": f"{order['order_id']}-{number}",
        "order_id": order["order_id"],
        "product_id": product["product_id"],
        "quantity": quantity,
        "unit_price": unit,
        "discount_percent": account.discount_percent,
        "net_amount": round(quantity * unit * (1 - account.discount_percent / 100), 2),
    }


def write(world: World, out: Path) -> None:
    """Write the CSV files under `out`/shop, dirt included."""
    folder = out / "shop"
    folder.mkdir(parents=True, exist_ok=True)
    _write_products(world, folder)
    _write_orders(world, folder)
    _write_lines(world, folder)


def _text(fields: tuple[str, ...], rows: list[Row]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(fields)
    writer.writerows([["" if r[f] is None else r[f] for f in fields] for r in rows])
    return buffer.getvalue()


def _write_products(world: World, folder: Path) -> None:
    rows = [dict(r) for r in world.tables["products"]]
    rows.insert(17, dict(rows[16], product_id="", name="Sample item, do not list"))
    rows.insert(230, dict(rows[229], product_id="AO-19999", list_price="on request"))
    rows.append(dict(rows[3]))
    world.dirt.add("shop", "products", "missing key", 1, "quarantined", "product_id is empty")
    world.dirt.add("shop", "products", "text in a number", 1, "quarantined", "list_price 'on request'")
    world.dirt.add("shop", "products", "exact duplicate", 1, "ignored")
    world.dirt.add("shop", "products", "odd encoding", 1, "normalised", "products.csv is Windows-1252")
    (folder / "products.csv").write_bytes(_text(tuple(world.tables["products"][0]), rows).encode("cp1252"))


def _write_orders(world: World, folder: Path) -> None:
    for year, encoding in ((2024, "utf-8-sig"), (2025, "utf-16"), (2026, "utf-8")):
        rows = [dict(r) for r in world.tables["orders"] if r["order_date"].year == year]
        fields = (*ORDER_FIELDS, "promo_code") if year == 2026 else ORDER_FIELDS
        if year == 2024:
            mixed = [r for at, r in enumerate(rows) if at % 23 == 7]
            for row in mixed:
                row["order_date"] = row["order_date"].strftime("%d.%m.%Y")
            world.dirt.add("shop", "orders", "mixed date formats", len(mixed), "normalised", "day first, with dots")
        if year == 2025:
            repeats = [dict(rows[at]) for at in (40, 41, 900, 1500)]
            rows += repeats
            world.dirt.add("shop", "orders", "exact duplicate", len(repeats), "ignored")
        (folder / f"orders_{year}.csv").write_bytes(_text(fields, rows).encode(encoding))
    world.dirt.add("shop", "orders", "odd encoding", 2, "normalised", "UTF-8 with a mark (2024), UTF-16 (2025)")
    late = sum(r["order_date"].year == 2026 for r in world.tables["orders"])
    world.dirt.add("shop", "orders", "late column", late, "normalised", "promo_code: only in orders_2026.csv")


def _write_lines(world: World, folder: Path) -> None:
    years = {r["order_id"]: r["order_date"].year for r in world.tables["orders"]}
    for year in (2024, 2025, 2026):
        rows = [r for r in world.tables["order_lines"] if years[r["order_id"]] == year]
        if year == 2025:
            rows = [
                *rows,
                dict(rows[5], line_id="ORD-999901-1", order_id="ORD-999901"),
                dict(rows[6], line_id="ORD-999902-1", order_id="ORD-999902"),
            ]
            world.dirt.add("shop", "order_lines", "order unknown", 2, "quarantined", "orders that were never exported")
            rows.insert(60, dict(rows[60], line_id=None))
            world.dirt.add("shop", "order_lines", "missing key", 1, "quarantined", "line_id is empty")
        (folder / f"order_lines_{year}.csv").write_text(_text(LINE_FIELDS, rows), encoding="utf-8", newline="")
