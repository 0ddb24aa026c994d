"""The generator: enough of everything, the same every time, readable files, and dirt that is accounted for."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from email import policy
from email.parser import BytesParser
from pathlib import Path

import pytest

from data.generator import build, crm, pictures, shop, support
from data.generator.clock import TODAY, WEEKS, add_months, quarter_end, week_start
from data.generator.world import World

REFERENCES = (
    ("contacts", "account_id", "accounts"),
    ("accounts", "owner_id", "users"),
    ("orders", "account_id", "accounts"),
    ("order_lines", "order_id", "orders"),
    ("order_lines", "product_id", "products"),
    ("usage", "account_id", "accounts"),
    ("payments", "invoice_id", "invoices"),
    ("renewals", "contract_id", "contracts"),
    ("tickets", "contact_id", "contacts"),
    ("tickets", "agent_id", "users"),
    ("product_views", "product_id", "products"),
    ("invoices", "order_id", "orders"),
)


def read_csv(path: Path, encoding: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode(encoding), newline="")))


def test_there_is_enough_of_everything(world: World) -> None:
    sizes = {name: len(rows) for name, rows in world.tables.items()}
    assert sizes["accounts"] >= 400
    assert sizes["products"] == 1000
    assert sizes["usage"] >= 60_000
    assert sizes["order_lines"] >= 20_000
    assert sizes["tickets"] >= 3_000
    assert len(world.documents) >= 300
    emea = [a for a in world.accounts if a.segment == "Enterprise" and a.region == "EMEA" and not a.churned_on]
    assert len(emea) >= 40
    assert sum(a.churned_on is not None for a in world.accounts) >= 60


def test_history_spans_two_years_and_ends_before_today(world: World) -> None:
    weeks = {row["week"] for row in world.tables["usage"]}
    assert min(weeks) == week_start(0) and max(weeks) == week_start(WEEKS - 1)
    assert all(row["order_date"] < TODAY for row in world.tables["orders"])
    assert all(row["created_at"].date() < TODAY for row in world.tables["tickets"])
    assert all(row["viewed_at"].date() < TODAY for row in world.tables["product_views"])
    assert all(p["launch_date"] > TODAY for p in world.tables["products"] if p["collection"] == shop.SUMMER)


def test_the_same_seed_gives_the_same_company(world: World, sample: Path, tmp_path: Path) -> None:
    again = build(world.seed)
    assert again.tables == world.tables
    assert again.documents == world.documents
    for write in (crm.write, shop.write, support.write, pictures.write):
        write(again, tmp_path)
    written = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert len(written) > 1000
    assert [p for p in written if p.read_bytes() != (sample / p.relative_to(tmp_path)).read_bytes()] == []


def test_another_seed_gives_another_company(world: World) -> None:
    from data.generator.world import build_world

    assert [a.name for a in build_world(world.seed + 1).accounts] != [a.name for a in world.accounts]


def test_every_reference_resolves_in_the_truth(world: World) -> None:
    tables = world.tables
    keys = {name: {row[column] for row in tables[name]} for name, column in (
        ("accounts", "account_id"), ("users", "user_id"), ("contacts", "contact_id"), ("orders", "order_id"),
        ("products", "product_id"), ("invoices", "invoice_id"), ("contracts", "contract_id"))}  # fmt: skip
    for table, column, target in REFERENCES:
        assert {row[column] for row in tables[table]} <= keys[target], (table, column)
    assert {t["product_id"] for t in tables["tickets"]} - {None} <= keys["products"]


def test_keys_are_unique(world: World) -> None:
    for table, rows in world.tables.items():
        first = next(iter(rows[0]))
        assert len({row[first] for row in rows}) == len(rows), table


def test_an_invoice_is_the_sum_of_its_order(world: World) -> None:
    totals: dict[str, float] = {}
    for line in world.tables["order_lines"]:
        totals[line["order_id"]] = totals.get(line["order_id"], 0) + line["net_amount"]
    for invoice in world.tables["invoices"]:
        assert invoice["amount"] == pytest.approx(totals[invoice["order_id"]], abs=0.005)


def test_nothing_is_ordered_before_its_launch_or_by_a_churned_account(world: World) -> None:
    launch = {p["product_id"]: p["launch_date"] for p in world.tables["products"]}
    days = {o["order_id"]: o["order_date"] for o in world.tables["orders"]}
    assert all(launch[x["product_id"]] <= days[x["order_id"]] for x in world.tables["order_lines"])
    gone = {a.account_id: a.churned_on for a in world.accounts if a.churned_on}
    assert all(o["order_date"] < gone[o["account_id"]] for o in world.tables["orders"] if o["account_id"] in gone)


def test_the_crm_export_holds_the_truth_and_its_dirt(world: World, sample: Path) -> None:
    records = []
    for page in sorted((sample / "crm").glob("accounts_*.json")):
        body = json.loads(page.read_text(encoding="utf-8"))
        records += body["records"]
        assert set(body) == {"totalSize", "done", "records"}
    assert body["done"] is True and body["totalSize"] == len(records)
    assert {r["Id"] for r in records if r["Id"]} == {a.account_id for a in world.accounts}
    assert sum(not r["Id"] for r in records) == planted(world, "crm", "accounts", "missing key")
    twice = len([r for r in records if r["Id"]]) - len({r["Id"] for r in records if r["Id"]})
    assert twice == planted(world, "crm", "accounts", "exact duplicate")
    unlike = {json.dumps(r, sort_keys=True) for r in records if r["Id"]}
    late = {k for r in unlike for k in json.loads(r)} - set(records[0])
    assert late == {"Loyalty_Tier__c"}
    forms = {("." in v, " " in v) for v in (r["CustomerSince__c"] for r in records)}
    assert forms == {(False, False), (True, False), (False, True)}


def test_the_shop_export_has_its_odd_encodings_and_broken_rows(world: World, sample: Path) -> None:
    folder = sample / "shop"
    products = read_csv(folder / "products.csv", "cp1252")
    with pytest.raises(UnicodeDecodeError):
        (folder / "products.csv").read_text(encoding="utf-8")
    assert {p["product_id"] for p in products} - {"", "AO-19999"} == {p["product_id"] for p in world.tables["products"]}
    assert any("ö" in p["name"] for p in products)
    orders = [
        *read_csv(folder / "orders_2024.csv", "utf-8-sig"),
        *read_csv(folder / "orders_2025.csv", "utf-16"),
        *read_csv(folder / "orders_2026.csv", "utf-8"),
    ]
    assert {o["order_id"] for o in orders} == {o["order_id"] for o in world.tables["orders"]}
    assert len(orders) - len(world.tables["orders"]) == planted(world, "shop", "orders", "exact duplicate")
    assert "promo_code" in orders[-1] and "promo_code" not in orders[0]
    mixed = sum("." in o["order_date"] for o in orders)
    assert mixed == planted(world, "shop", "orders", "mixed date formats") > 50
    lines = [r for year in (2024, 2025, 2026) for r in read_csv(folder / f"order_lines_{year}.csv", "utf-8")]
    known = {o["order_id"] for o in orders}
    assert sum(r["order_id"] not in known for r in lines) == planted(world, "shop", "order_lines", "order unknown")
    assert sum(not r["line_id"] for r in lines) == planted(world, "shop", "order_lines", "missing key")


def test_the_ticket_export_has_its_broken_lines_and_its_intruder(world: World, sample: Path) -> None:
    lines = [
        x for p in sorted((sample / "support").glob("*.jsonl")) for x in p.read_text(encoding="utf-8").splitlines()
    ]
    good, broken = [], 0
    for line in lines:
        try:
            good.append(json.loads(line))
        except json.JSONDecodeError:
            broken += 1
    assert broken == planted(world, "support", "tickets", "line broke off")
    assert sum(t["ticket_id"] is None for t in good) == planted(world, "support", "tickets", "missing key")
    named = [t for t in good if t["ticket_id"]]
    assert {t["ticket_id"] for t in named} == {t["ticket_id"] for t in world.tables["tickets"]}
    assert len(named) - len(world.tables["tickets"]) == planted(world, "support", "tickets", "exact duplicate")
    assert sum("ignore previous instructions" in t["body"] for t in named) == 1
    assert planted(world, "support", "tickets", "personal data in free text") >= 20


def test_the_billing_database_holds_the_truth(world: World, sample: Path) -> None:
    connection = sqlite3.connect(sample / "billing" / "billing.sqlite")
    try:
        for table in ("contracts", "invoices", "payments"):
            assert connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] == len(world.tables[table])
        paid = connection.execute("SELECT SUM(amount) FROM payments").fetchone()[0]
    finally:
        connection.close()
    assert paid == pytest.approx(sum(p["amount"] for p in world.tables["payments"]))


def test_the_portal_export_is_parquet_with_one_broken_file(world: World, sample: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    counts, broken = {"usage": 0, "views": 0}, 0
    for path in (sample / "portal").glob("*.parquet"):
        try:
            counts[path.stem.split("_")[0]] += pq.read_table(path).num_rows
        except pa.ArrowInvalid:
            broken += 1
    assert counts == {"usage": len(world.tables["usage"]), "views": len(world.tables["product_views"])}
    assert broken == planted(world, "portal", "product_views", "unreadable file")


def test_every_product_has_its_own_picture_that_opens(world: World, sample: Path) -> None:
    from PIL import Image

    seen = set()
    for at, product in enumerate(world.tables["products"]):
        raw = (sample / product["picture"]).read_bytes()
        seen.add(raw)
        if at % 25 == 0:
            with Image.open(io.BytesIO(raw)) as picture:
                assert picture.size == (320, 320)
                assert len(picture.convert("RGB").getcolors(1 << 20) or []) > 3
    assert len(seen) == len(world.tables["products"])


def test_contracts_are_pdf_whose_text_holds_their_terms(world: World, sample: Path) -> None:
    import pypdfium2

    contracts = [d for d in world.documents if d["kind"] == "contract"]
    assert len(contracts) == sum(a.segment == "Enterprise" for a in world.accounts)
    for doc in contracts[::30]:
        pdf = pypdfium2.PdfDocument(sample / "library" / doc["doc_id"].removeprefix("library:"))
        text = " ".join(page.get_textpage().get_text_range() for page in pdf)
        account = world.account(doc["account_id"])
        assert account.account_id in text and f"{account.notice_days} days" in " ".join(text.split())
        pdf.close()


def test_every_document_of_the_truth_is_a_file(world: World, sample: Path) -> None:
    for doc in world.documents:
        source, _, path = doc["doc_id"].partition(":")
        assert (sample / source / path).stat().st_size > 100
    files = [p for p in (sample / "library").rglob("*") if p.is_file()]
    assert len(files) - planted(world, "library", "document", "unreadable file") == len(
        [d for d in world.documents if d["doc_id"].startswith("library:")]
    )


def test_documents_are_short_enough_to_be_embedded_quickly(world: World) -> None:
    """Some 350 documents and 3,000 tickets are embedded on two slow cores when the demo starts."""
    tickets = sum(len(t["subject"]) + len(t["body"]) for t in world.tables["tickets"])
    texts = sum(len(t) for d in world.documents for _, t in d.get("sections", (("", d.get("text", "")),)))
    assert tickets + texts < 900_000
    assert max(len(t["body"]) for t in world.tables["tickets"]) <= 500


def test_mails_come_from_contacts_of_their_account(world: World, sample: Path) -> None:
    owners = {c["email"]: c["account_id"] for c in world.tables["contacts"]}
    mails = [d for d in world.documents if d["kind"] == "email"]
    assert len(mails) >= 60
    for mail in mails:
        raw = (sample / "support" / mail["doc_id"].removeprefix("support:")).read_bytes()
        message = BytesParser(policy=policy.default).parsebytes(raw)
        body = message.get_body()
        assert body is not None and " ".join(body.get_content().split()) == " ".join(mail["text"].split())
        assert owners[message["From"].addresses[0].addr_spec] == mail["account_id"]


def test_dirt_is_written_down_next_to_the_exports(world: World, sample: Path) -> None:
    assert json.loads((sample / "dirt.json").read_text(encoding="utf-8")) == world.dirt.rows()
    assert world.dirt.quarantined() == {"crm": 6, "shop": 5, "portal": 1, "support": 2, "library": 2}


def test_months_and_quarters_end_where_they_should() -> None:
    import datetime as dt

    assert add_months(dt.date(2024, 12, 31), 2) == dt.date(2025, 2, 28)
    assert add_months(dt.date(2024, 1, 31), 1) == dt.date(2024, 2, 29)
    assert add_months(dt.date(2026, 3, 15), -15) == dt.date(2024, 12, 15)
    assert quarter_end(TODAY) == dt.date(2026, 6, 30)


def planted(world: World, source: str, target: str, kind: str) -> int:
    """How many pieces of one kind of dirt the generator says it planted."""
    return sum(b.count for b in world.dirt.blots if (b.source, b.target, b.kind) == (source, target, kind))
