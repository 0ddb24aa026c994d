"""Five hundred questions made from templates and the values of the truth: breadth for the checks of answers.

The golden questions are picked one by one; these are many of a kind, so that a claim about every answer (each citation
resolves, no figure without a source) is made over many different answers. `tower eval HOME/sample/generated.jsonl`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from data.generator.world import Row
from data.golden.facts import YEAR_2025, Facts, Period, total
from data.golden.question import Question, ask, find, join

COUNT = 500
SEGMENTS = ("SMB", "Mid-Market", "Enterprise")
REGIONS = ("EMEA", "AMER", "APAC", "LATAM")
TERMS = {"Summit": "10 years", "Ridge": "5 years", "Trail": "3 years", "Basecamp": "2 years", "Spark": "1 year"}
QUARTERS = {
    "the first quarter of 2025": Period(dt.date(2025, 1, 1), dt.date(2025, 3, 31)),
    "the third quarter of 2025": Period(dt.date(2025, 7, 1), dt.date(2025, 9, 30)),
    "last quarter": Period(dt.date(2026, 1, 1), dt.date(2026, 3, 31)),
}
MONTHS = {
    "June 2025": Period(dt.date(2025, 6, 1), dt.date(2025, 6, 30)),
    "November 2025": Period(dt.date(2025, 11, 1), dt.date(2025, 11, 30)),
    "March 2026": Period(dt.date(2026, 3, 1), dt.date(2026, 3, 31)),
}


def questions(f: Facts) -> list[Question]:
    """`COUNT` questions: follow-ups first, then as many of each kind as there are, in turn."""
    kinds = [_accounts(f), _products(f), _sales(f), _money(f), _tickets(f), _records(f), _library(f), _joined(f)]
    found = list(_follow_ups(f))
    while len(found) < COUNT:
        before = len(found)
        found += [q for kind in kinds if (q := next(kind, None)) is not None]
        if len(found) == before:
            raise ValueError(f"the templates give {before} questions, {COUNT} are wanted")
    return [replace(q, id=f"made-{at:03d}-{q.id}") for at, q in enumerate(found[:COUNT], 1)]


def _values(rows: list[Row], column: str) -> list[str]:
    return sorted({str(r[column]) for r in rows if r[column]})


def _accounts(f: Facts) -> Iterator[Question]:
    accounts = f.all("accounts")
    for country in _values(accounts, "country"):
        held = [a for a in accounts if a["country"] == country]
        yield ask("country", f"How many accounts do we have in {country}?", len(held))
        largest = [[a["name"]] for a in held if a["segment"] == "Enterprise"]
        if largest:
            yield ask("country-large", f"List the enterprise accounts in {country}", largest)
        industries = sorted({a["industry"] for a in held})
        counted = [[i, sum(a["industry"] == i for a in held)] for i in industries]
        yield ask("country-industry", f"How many accounts are there per industry in {country}?", counted)
    for region in REGIONS:
        for health in ("Red", "Yellow"):
            held = [a for a in accounts if a["region"] == region and a["health"] == health]
            yield ask("health", f"How many accounts in {region} have {health.lower()} health?", len(held))


def _products(f: Facts) -> Iterator[Question]:
    products = f.all("products")
    for at, product in enumerate(products[::7]):
        name = product["name"]
        if sum(p["name"] == name for p in products) > 1:
            continue
        if at % 3 == 0:
            yield ask("price", f"What is the list price of the {name}?", product["list_price"])
        elif at % 3 == 1:
            yield ask("weight", f"What is the weight of the {name}?", product["weight_g"])
        else:
            yield ask("launch", f"When was the {name} launched?", product["launch_date"])
    for category in _values(products, "category"):
        held = [p for p in products if p["category"] == category]
        yield ask("above", f"How many {category.lower()} cost more than 100 euros?",
                  sum(p["list_price"] > 100 for p in held))  # fmt: skip
        for name in ("Summit", "Ridge"):
            some = [p for p in held if p["warranty_class"] == name]
            yield ask("class", f"How many products of the category {category} have warranty class {name}?", len(some))


def _sales(f: Facts) -> Iterator[Question]:
    products = f.all("products")
    for category in _values(products, "category"):
        for said, period in QUARTERS.items():
            sold = f.sold(period, lambda r, c=category: r["product"]["category"] == c)  # type: ignore[misc]
            yield ask("revenue", f"What was the revenue of {category.lower()} in {said}?".replace("in last", "last"),
                      total(sold, "net_amount"))  # fmt: skip
        year = f.sold(YEAR_2025, lambda r, c=category: r["product"]["category"] == c)  # type: ignore[misc]
        yield ask(
            "units", f"How many units of {category.lower()} did we sell in 2025?", sum(r["quantity"] for r in year)
        )
    for country in _values(f.all("accounts"), "country"):
        sold = f.sold(YEAR_2025, lambda r, c=country: r["account"]["country"] == c)  # type: ignore[misc]
        yield ask("revenue-country", f"What was our revenue in {country} in 2025?", total(sold, "net_amount"))


def _money(f: Facts) -> Iterator[Question]:
    invoices, contracts = f.all("invoices"), f.all("contracts")
    for country in _values(f.all("accounts"), "country"):
        late = [i for i in invoices if i["status"] == "Overdue" and i["account"]["country"] == country]
        yield ask("overdue", f"How many invoices are overdue in {country}?", len(late))
        held = [c for c in contracts if c["status"] == "Active" and c["account"]["country"] == country]
        yield ask("contracts", f"How many active contracts do we have in {country}?", len(held))
    for segment in SEGMENTS:
        for said, month in MONTHS.items():
            issued = [i for i in invoices if i["account"]["segment"] == segment and month.has(i["issued_on"])]
            yield ask("issued", f"What is the total amount of invoices issued to {segment} accounts in {said}?",
                      total(issued, "amount"))  # fmt: skip
        for region in REGIONS:
            held = [c for c in contracts if c["status"] == "Active" and c["account"]["region"] == region
                    and c["account"]["segment"] == segment]  # fmt: skip
            yield ask("value", f"What is the total annual value of active {segment} contracts in {region}?",
                      total(held, "annual_value"))  # fmt: skip


def _tickets(f: Facts) -> Iterator[Question]:
    tickets = f.all("tickets")
    for said, month in MONTHS.items():
        held = [t for t in tickets if month.has(t["created_at"])]
        for category in _values(tickets, "category"):
            yield ask("category", f"How many tickets of the category {category} were opened in {said}?",
                      sum(t["category"] == category for t in held))  # fmt: skip
        for region in REGIONS:
            for priority in ("Urgent", "High", "Low"):
                some = [t for t in held if t["priority"] == priority and t["account"]["region"] == region]
                yield ask("priority", f"How many {priority.lower()} tickets came from {region} in {said}?", len(some))
        yield ask("share", f"How many tickets were opened per region in {said}?",
                  [[r, n] for r in REGIONS if (n := sum(t["account"]["region"] == r for t in held))])  # fmt: skip


def _records(f: Facts) -> Iterator[Question]:
    """What is asked about one account."""
    accounts = [a for a in f.all("accounts") if a["status"] == "Active" and not a["name"].startswith("Nordwand")]
    orders, tickets = f.all("orders"), f.all("tickets")
    for at, account in enumerate(accounts[5::8]):
        key, name = account["account_id"], account["name"]
        if sum(a["name"] == name for a in f.all("accounts")) > 1:
            continue
        if at % 4 == 0:
            yield ask("owner", f"Who is the owner of {name}?", account["owner"]["name"])
        elif at % 4 == 1:
            placed = [o for o in orders if o["account_id"] == key and YEAR_2025.has(o["order_date"])]
            yield ask("orders", f"How many orders did {name} place in 2025?", len(placed))
        elif at % 4 == 2:
            yield ask("city", f"In which city is {name}?", account["city"])
        else:
            yield ask("tickets", f"How many tickets does {name} have?", sum(t["account_id"] == key for t in tickets))


def _library(f: Facts) -> Iterator[Question]:
    for name, term in TERMS.items():
        doc = [f"library:warranty/{name.lower()}.docx"]
        yield find("term", f"What is the term of the {name} warranty?", doc, term)
        yield find("covered", f"What is covered by the {name} warranty?", doc)
        yield find("excluded", f"What is not covered by the {name} warranty?", doc)
        yield find("claim", f"How does a retailer claim under the {name} warranty?", doc)
    for category in _values(f.all("products"), "category"):
        page = "".join(c for c in category.lower() if c.isalnum())
        yield find("care", f"What is the care advice for {category.lower()}?", [f"library:care/{page}.html"])
    for document in (d for d in f.world.documents if d["kind"] == "contract"):
        account = f.world.account(document["account_id"])
        if account.name.startswith("Nordwand"):
            continue
        yield find("notice", f"What notice period does the supply agreement with {account.name} have?",
                   [document["doc_id"]], str(account.notice_days))  # fmt: skip


def _joined(f: Facts) -> Iterator[Question]:
    world = f.world
    for segment in SEGMENTS:
        for region in REGIONS:
            risky = world.at_risk_this_quarter(segment, region)
            if risky:
                yield join(
                    "risk", f"Which {segment} customers in {region} are at risk of churn this quarter?", items=risky
                )
    for key in sorted(world.at_risk)[::4]:
        name = world.account(key).name
        yield join("why", f"Why is {name} at risk of churn?", items=[key])
        yield join("letter", f"Draft a retention e-mail for {name}", items=[key], drafts=1)
    products = f.all("products")
    for product in products[3::11]:
        if sum(p["name"] == product["name"] for p in products) == 1:
            doc = f"library:warranty/{product['warranty_class'].lower()}.docx"
            yield join("warranty", f"How long is the warranty of the {product['name']}?", doc_ids=[doc],
                       contains=[TERMS[product["warranty_class"]]])  # fmt: skip


def _follow_ups(f: Facts) -> Iterator[Question]:
    """The second question of a conversation; `after` is the first."""
    accounts, tickets = f.all("accounts"), f.all("tickets")
    countries = _values(accounts, "country")
    for one, other in pairwise(countries):
        yield ask("follow-country", f"And in {other}?", sum(a["country"] == other for a in accounts),
                  after=f"How many accounts are in {one}?")  # fmt: skip
    for one, other in pairwise(REGIONS):
        held = [t for t in tickets if t["status"] != "Closed" and t["account"]["region"] == other]
        yield ask("follow-tickets", f"What about {other}?", len(held), after=f"How many open tickets are in {one}?")
        sold = f.sold(YEAR_2025, lambda r, c=other: r["account"]["region"] == c)  # type: ignore[misc]
        yield ask("follow-revenue", f"and in {other}?", total(sold, "net_amount"),
                  after=f"What was our revenue in {one} in 2025?")  # fmt: skip
