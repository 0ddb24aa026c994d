"""Golden questions about products, orders and sales."""

from __future__ import annotations

import datetime as dt
from typing import Any

from data.generator.shop import SUMMER, SUMMER_LAUNCH
from data.golden.facts import (
    APRIL_2026,
    LAST_12_MONTHS,
    Q1_2025,
    Q1_2026,
    YEAR_2025,
    YEAR_2026,
    Facts,
    groups,
    means,
    month,
    sums,
    tally,
    top,
    total,
)
from data.golden.question import Question, ask


def questions(f: Facts) -> list[Question]:
    """The questions with their expectations."""
    return [*_products(f), *_orders(f), *_delivery(f), *_sales(f), *_trends(f)]


def _products(f: Facts) -> list[Question]:
    products = f.all("products")
    summer = [p for p in products if p["collection"] == SUMMER]
    sample = next(p for p in products if p["category"] == "Tents" and p["collection"] == "Core")
    lamps = [p for p in products if "Headlamp" in p["name"]]
    never = {p["product_id"] for p in products} - {r["product_id"] for r in f.all("order_lines")}
    return [
        ask(
            "tent-price",
            "What is the average list price of our tents?",
            means([p for p in products if p["category"] == "Tents"], lambda p: "x", "list_price")[0][1],
        ),
        ask("price-of", f"What does the {sample['name']} cost?", sample["list_price"]),
        ask(
            "dearest",
            "What is our most expensive product?",
            [top([[p["name"], p["list_price"]] for p in products], 1)[0][:1]],
        ),
        ask(
            "heaviest-packs",
            "Show the five heaviest backpacks with their weight.",
            top([[p["name"], p["weight_g"]] for p in products if p["category"] == "Backpacks"], 5),
            ordered=True,
        ),
        ask(
            "cheapest-headlamp",
            "Which headlamp is the cheapest?",
            [[min(lamps, key=lambda p: p["list_price"])["name"]]],
        ),
        ask("per-category", "How many products do we have in each category?", tally(products, lambda p: p["category"])),
        ask(
            "summer-per-category",
            "How many products of the new summer collection are there per category?",
            tally(summer, lambda p: p["category"]),
        ),
        ask(
            "summer-launch",
            "When is the launch date of the Summer 2026 collection?",
            SUMMER_LAUNCH,
            alternatives=[[[SUMMER_LAUNCH]] * len(summer)],
        ),
        ask(
            "summer-over-150",
            "Which products of the coming summer collection cost more than 150 euros?",
            [[p["name"]] for p in summer if p["list_price"] > 150],
        ),
        ask(
            "between-100-150",
            "How many products have a list price between 100 and 150 euros?",
            sum(100 <= p["list_price"] <= 150 for p in products),
        ),
        ask("discontinued", "How many products are discontinued?", sum(p["discontinued"] for p in products)),
        ask("per-collection", "Number of products by collection", tally(products, lambda p: p["collection"])),
        ask(
            "avg-price-category",
            "What is the average list price per category?",
            means(products, lambda p: p["category"], "list_price"),
        ),
        ask(
            "common-class",
            "Which warranty class is the most common among our products?",
            [top(tally(products, lambda p: p["warranty_class"]), 1)[0][:1]],
        ),
        ask(
            "merino-moss",
            "How many products made of merino wool come in Moss Green?",
            sum(p["material"] == "merino wool" and p["colour"] == "Moss Green" for p in products),
        ),
        ask("never-ordered", "How many products have never been ordered?", len(never)),
        ask(
            "colours-jackets",
            "Which colours do our jackets come in?",
            [[c] for c in sorted({p["colour"] for p in products if p["category"] == "Jackets"})],
        ),
    ]


def _orders(f: Facts) -> list[Question]:
    orders = f.all("orders")
    year = [o for o in orders if YEAR_2025.has(o["order_date"])]
    april = [o for o in orders if APRIL_2026.has(o["order_date"])]
    by_name = tally(year, lambda o: o["account"]["name"])
    most = max(n for _, n in by_name)
    cut = most - 5
    ordered_2026 = {o["account_id"] for o in orders if YEAR_2026.has(o["order_date"])}
    active = [a for a in f.all("accounts") if a["status"] == "Active"]
    known = sorted(ordered_2026)[3]
    name = f.world.account(known).name
    mine = [o for o in orders if o["account_id"] == known]
    return [
        ask("orders-april", "How many orders were placed in April 2026?", len(april)),
        ask(
            "orders-last-month-channel",
            "How many orders did we get last month per channel?",
            tally(april, lambda o: o["channel"]),
        ),
        ask(
            "top-channel",
            "Through which channel did most orders come in 2025?",
            [top(tally(year, lambda o: o["channel"]), 1)[0][:1]],
        ),
        ask(
            "edi-emea",
            "How many EDI orders did EMEA customers place last quarter?",
            sum(
                o["channel"] == "EDI" and o["account"]["region"] == "EMEA" and Q1_2026.has(o["order_date"])
                for o in orders
            ),
        ),
        ask(
            "no-order-2026",
            "How many active accounts have not ordered anything this year?",
            sum(a["account_id"] not in ordered_2026 for a in active),
        ),
        ask(
            "many-orders",
            f"Which accounts placed more than {cut} orders in 2025?",
            [[k] for k, n in by_name if n > cut],
        ),
        ask("last-order", f"When did {name} place its last order?", max(o["order_date"] for o in mine)),
        ask(
            "orders-of-2025",
            f"How many orders did {name} place in 2025?",
            sum(YEAR_2025.has(o["order_date"]) for o in mine),
        ),
        ask(
            "promo",
            "How many orders used the promotion code SPRING26?",
            sum(o["promo_code"] == "SPRING26" for o in orders),
        ),
        ask(
            "orders-status",
            "Break down the orders of this quarter by status.",
            tally([o for o in orders if o["order_date"].isoformat() >= "2026-04-01"], lambda o: o["status"]),
        ),
        ask(
            "orders-per-warehouse",
            "How many orders did each warehouse handle in 2025?",
            tally(year, lambda o: o["warehouse"]),
        ),
    ]


def _delivery(f: Facts) -> list[Question]:
    orders = f.all("orders")

    def late(row: dict[str, Any]) -> bool:
        return row["delivered_on"] is not None and row["delivered_on"] > row["requested_on"]

    q1 = [o for o in orders if Q1_2026.has(o["order_date"])]
    there = [o for o in q1 if o["delivered_on"]]
    year = [o for o in orders if YEAR_2025.has(o["order_date"]) and o["delivered_on"]]
    rates = [
        [k, round(100 * sum(late(o) for o in v) / len(v), 4)]
        for k, v in sorted(groups(year, lambda o: o["warehouse"]).items())
    ]
    return [
        ask(
            "undelivered",
            "How many orders have not been delivered yet?",
            sum(o["delivered_on"] is None for o in orders),
        ),
        ask(
            "late-q1",
            "How many orders placed in the first quarter of 2026 were delivered late?",
            sum(late(o) for o in q1),
        ),
        ask(
            "late-rate",
            "What was the late delivery rate per warehouse for orders of 2025?",
            rates,
            alternatives=[[[k, round(v / 100, 4)] for k, v in rates]],
        ),
        ask(
            "delivery-days",
            "What was the average delivery time per region in the first quarter of 2026?",
            [
                [k, round(sum((o["delivered_on"] - o["order_date"]).days for o in v) / len(v), 4)]
                for k, v in sorted(groups(there, lambda o: o["account"]["region"]).items())
            ],
        ),
        ask(
            "late-region",
            "Late orders of last quarter by region",
            tally([o for o in q1 if late(o)], lambda o: o["account"]["region"]),
        ),
    ]


def _sales(f: Facts) -> list[Question]:
    lines = f.all("order_lines")
    year = f.sold(YEAR_2025)
    quarter = f.sold(Q1_2026)
    share = 100 * total([r for r in year if r["account"]["region"] == "EMEA"], "net_amount") / total(year, "net_amount")
    enterprise = [r for r in year if r["account"]["segment"] == "Enterprise"]
    mine = 100 * total(enterprise, "net_amount") / total(year, "net_amount")
    item = top(
        [
            [k, len({r["account_id"] for r in (x["account"] for x in v)})]
            for k, v in groups(f.sold(YEAR_2026), lambda r: r["product"]["name"]).items()
        ],
        1,
    )[0][0]
    buyers = sorted(
        {
            r["account"]["name"]
            for r in f.sold(YEAR_2026)
            if r["product"]["name"] == item
            and r["account"]["segment"] == "Enterprise"
            and r["account"]["region"] == "AMER"
        }
    )
    return [
        ask(
            "share-enterprise",
            "What is the share of enterprise customers in the revenue of 2025?",
            round(mine, 4),
            alternatives=[[[round(mine / 100, 4)]]],
        ),
        ask(
            "best-month",
            "Which month had the highest revenue in 2025?",
            top(sums(year, lambda r: month(r["order"]["order_date"]), "net_amount"), 1),
        ),
        ask(
            "top-products-france",
            "Show the top 5 products by revenue in France in 2025",
            top(
                sums(
                    [r for r in year if r["account"]["country"] == "France"],
                    lambda r: r["product"]["name"],
                    "net_amount",
                ),
                5,
            ),
            ordered=True,
        ),
        ask(
            "revenue-per-customer",
            "What was the average revenue per customer in 2025?",
            round(total(year, "net_amount") / len({r["account"]["account_id"] for r in year}), 4),
        ),
        ask("revenue-2025", "What was our revenue in 2025?", total(year, "net_amount")),
        ask(
            "revenue-region-quarter",
            "Revenue by region last quarter",
            sums(quarter, lambda r: r["account"]["region"], "net_amount"),
        ),
        ask(
            "revenue-segment",
            "How much did each customer segment buy in 2025?",
            sums(year, lambda r: r["account"]["segment"], "net_amount"),
        ),
        ask(
            "revenue-category",
            "Show the sales per product category in 2025, highest first.",
            top(sums(year, lambda r: r["product"]["category"], "net_amount"), 12),
            ordered=True,
        ),
        ask(
            "top-customers-2025",
            "Who were our top 5 customers by revenue in 2025?",
            top(sums(year, lambda r: r["account"]["name"], "net_amount"), 5),
            ordered=True,
        ),
        ask(
            "top-products-quarter",
            "What were the 10 best-selling products by units last quarter?",
            top(sums(quarter, lambda r: r["product"]["name"], "quantity"), 10),
            ordered=True,
        ),
        ask(
            "top-countries-revenue",
            "Top 3 countries by revenue in 2025",
            top(sums(year, lambda r: r["account"]["country"], "net_amount"), 3),
            ordered=True,
        ),
        ask(
            "aov-enterprise",
            "What was the average order value of enterprise customers in 2025?",
            round(total(enterprise, "net_amount") / len({r["order_id"] for r in enterprise}), 2),
        ),
        ask(
            "jackets-germany",
            "How much revenue did we make with jackets in Germany in 2025?",
            total(
                [r for r in year if r["account"]["country"] == "Germany" and r["product"]["category"] == "Jackets"],
                "net_amount",
            ),
        ),
        ask(
            "emea-share",
            "What percentage of the 2025 revenue came from EMEA?",
            round(share, 4),
            alternatives=[[[round(share / 100, 4)]]],
        ),
        ask(
            "units-tents",
            "How many tents did we sell in 2025?",
            int(sum(r["quantity"] for r in year if r["product"]["category"] == "Tents")),
        ),
        ask(
            "buyers-of", f"Which enterprise customers in AMER have bought the {item} this year?", [[n] for n in buyers]
        ),
        ask(
            "distinct-products",
            "How many different products were sold last quarter?",
            len({r["product_id"] for r in quarter}),
        ),
        ask(
            "owner-revenue",
            "Which account owner brought in the most revenue in 2025?",
            [top(sums(year, lambda r: r["account"]["owner"]["name"], "net_amount"), 1)[0][:1]],
        ),
        ask(
            "latam-lowest",
            "Which category sold least in LATAM in 2025 by revenue?",
            [
                [
                    min(
                        sums(
                            [r for r in year if r["account"]["region"] == "LATAM"],
                            lambda r: r["product"]["category"],
                            "net_amount",
                        ),
                        key=lambda c: c[1],
                    )[0]
                ]
            ],
        ),
        ask(
            "all-time-units",
            "How many pieces of the Winter 2025 collection have been sold so far?",
            int(sum(r["quantity"] for r in lines if r["product"]["collection"] == "Winter 2025")),
        ),
        ask(
            "smb-over-16k",
            "Which SMB customers had more than 16,000 euros of revenue in 2025?",
            [
                [k]
                for k, v in sums(
                    [r for r in year if r["account"]["segment"] == "SMB"], lambda r: r["account"]["name"], "net_amount"
                )
                if v > 16000
            ],
        ),
    ]


def _trends(f: Facts) -> list[Question]:
    year = f.sold(YEAR_2025)
    emea = f.sold(Q1_2026, lambda r: r["account"]["region"] == "EMEA")
    months = sums(emea, lambda r: month(r["order"]["order_date"]), "net_amount")
    weeks = sums(emea, lambda r: r["order"]["order_date"].isocalendar()[:2], "net_amount")
    monthly = sums(year, lambda r: month(r["order"]["order_date"]), "net_amount")
    old, new = total(f.sold(Q1_2025), "net_amount"), total(f.sold(Q1_2026), "net_amount")
    both = {
        k: (
            total([r for r in f.sold(Q1_2025) if r["account"]["region"] == k], "net_amount"),
            total([r for r in f.sold(Q1_2026) if r["account"]["region"] == k], "net_amount"),
        )
        for k in ("AMER", "APAC", "EMEA", "LATAM")
    }
    return [
        ask(
            "seed-sales-trends",
            "Summarize the sales trends of last quarter in the EMEA region and create a corresponding chart.",
            [[v] for _, v in months],
            ordered=True,
            alternatives=[[[v] for _, v in weeks]],
            chart=True,
        ),
        ask("monthly-2025", "What was the revenue per month in 2025?", [[v] for _, v in monthly], ordered=True),
        ask(
            "monthly-orders-chart",
            "Plot the number of orders per month in 2025.",
            [
                [n]
                for _, n in tally(
                    [o for o in f.all("orders") if YEAR_2025.has(o["order_date"])], lambda o: month(o["order_date"])
                )
            ],
            ordered=True,
            chart=True,
        ),
        ask(
            "best-month",
            "In which month of 2025 was the revenue highest?",
            [top(monthly, 1)[0][-1:]],
            alternatives=[[[name]] for name in _spellings(top(monthly, 1)[0][0])],
        ),
        ask(
            "q1-vs-q1",
            "How did the revenue of Q1 2026 compare with Q1 2025?",
            [[old, new]],
            alternatives=[[[old], [new]], [[new], [old]]],
        ),
        ask(
            "q1-regions",
            "Compare the revenue of each region in Q1 2025 and Q1 2026.",
            [[k, a, b] for k, (a, b) in both.items()],
            alternatives=[[[k, v] for k, pair in both.items() for v in pair]],
        ),
        ask(
            "category-chart",
            "Draw a chart of the revenue by category in the last 12 months.",
            sums(f.sold(LAST_12_MONTHS), lambda r: r["product"]["category"], "net_amount"),
            chart=True,
        ),
    ]


def _spellings(name: str) -> list[str | int]:
    """The ways in which a result may write the month `2025-12`."""
    day = dt.date.fromisoformat(f"{name}-01")
    return [name, f"{name}-01", day.month, f"{day:%m}", f"{day:%B}"]
