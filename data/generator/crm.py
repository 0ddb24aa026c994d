"""The CRM: accounts, users, contacts, opportunities and renewals, exported as Salesforce-shaped JSON pages."""

from __future__ import annotations

import datetime as dt
import json
import random
from pathlib import Path

from data.generator import names
from data.generator.clock import START, TODAY, add_months
from data.generator.world import Account, Row, World, ascii_slug

PAGE = 300
STAGES = ("Prospecting", "Qualification", "Proposal", "Negotiation")
KINDS = ("Expansion", "New Collection", "Cross-Sell", "Store Opening")


def build(world: World) -> None:
    """Fill the CRM's tables with clean rows."""
    world.tables["users"] = world.users
    world.tables["accounts"] = [_account(a) for a in world.accounts]
    world.tables["contacts"] = _contacts(world)
    world.tables["opportunities"] = _opportunities(world)
    world.tables["renewals"] = _renewals(world)


def _account(account: Account) -> Row:
    return {
        "account_id": account.account_id,
        "name": account.name,
        "segment": account.segment,
        "region": account.region,
        "country": account.country,
        "city": account.city,
        "industry": account.industry,
        "status": "Churned" if account.churned_on else "Active",
        "health": account.health,
        "customer_since": account.customer_since,
        "churned_on": account.churned_on,
        "owner_id": account.owner_id,
        "website": f"https://www.{account.domain}",
    }


def _contacts(world: World) -> list[Row]:
    rng = world.random("contacts")
    rows: list[Row] = []
    for account in world.accounts:
        count = {"Enterprise": 3, "Mid-Market": 2, "SMB": 2}[account.segment]
        used: set[str] = set()
        for at in range(count):
            first, last = rng.choice(names.FIRST_NAMES), rng.choice(names.LAST_NAMES)
            while f"{first}.{last}" in used:
                last = rng.choice(names.LAST_NAMES)
            used.add(f"{first}.{last}")
            rows.append(
                {
                    "contact_id": f"CON-{len(rows) + 1:05d}",
                    "account_id": account.account_id,
                    "name": f"{first} {last}",
                    "first_name": first,
                    "last_name": last,
                    "email": f"{ascii_slug(first)}.{ascii_slug(last)}@{account.domain}",
                    "phone": f"+{rng.randint(30, 98)} {rng.randint(100, 999)} {rng.randint(1000000, 9999999)}",
                    "title": "Head of Purchasing" if at == 0 else rng.choice(names.TITLES[1:]),
                    "is_primary": at == 0,
                }
            )
    return rows


def _opportunities(world: World) -> list[Row]:
    rng = world.random("opportunities")
    rows: list[Row] = []
    for account in world.accounts:
        for _ in range(
            rng.choice({"Enterprise": (3, 4, 5), "Mid-Market": (1, 2, 3), "SMB": (0, 1, 2)}[account.segment])
        ):
            end = account.churned_on or TODAY
            begin = max(START, account.customer_since)
            created = begin + dt.timedelta(days=rng.randint(0, max(1, (end - begin).days - 20)))
            close = created + dt.timedelta(days=rng.randint(30, 150))
            kind = rng.choice(KINDS)
            closed = close < TODAY
            if closed:
                stage = "Closed Won" if rng.random() < 0.52 else "Closed Lost"
            elif account.churned_on:
                stage, close = "Closed Lost", account.churned_on
            else:
                stage = rng.choice(STAGES)
            rows.append(
                {
                    "opportunity_id": f"OPP-{len(rows) + 1:05d}",
                    "account_id": account.account_id,
                    "owner_id": account.owner_id,
                    "name": f"{kind} {created.year} {account.name.split()[0]}",
                    "type": kind,
                    "stage": stage,
                    "amount": round(account.annual_value * rng.uniform(0.03, 0.25), -2),
                    "created_on": created,
                    "close_date": close,
                }
            )
    return rows


def _renewals(world: World) -> list[Row]:
    rows: list[Row] = []
    for contract in world.tables["contracts"]:
        account_status = {"Active": "Open", "Expired": "Renewed", "Terminated": "Lost"}[contract["status"]]
        rows.append(
            {
                "renewal_id": f"REN-{len(rows) + 1:05d}",
                "account_id": contract["account_id"],
                "contract_id": contract["contract_id"],
                "renewal_date": contract["end_date"],
                "amount": contract["annual_value"],
                "status": account_status,
            }
        )
    return rows


def contracts(world: World) -> list[Row]:
    """Every contract term that ran within the history, oldest first; terms last twelve months."""
    rows: list[Row] = []
    for account in world.accounts:
        last = account.next_renewal
        ends = [last]
        while add_months(ends[0], -12) >= START and add_months(ends[0], -12) > account.customer_since:
            ends.insert(0, add_months(ends[0], -12))
        for back, end in zip(range(len(ends) - 1, -1, -1), ends, strict=True):
            ended = "Terminated" if account.churned_on else "Active"
            rows.append(
                {
                    "contract_id": f"CTR-{len(rows) + 1:05d}",
                    "account_id": account.account_id,
                    "start_date": add_months(end, -12),
                    "end_date": end,
                    "annual_value": round(account.annual_value * (1 - 0.04 * back), -2),
                    "currency": "EUR",
                    "seats": account.seats,
                    "discount_percent": account.discount_percent,
                    "payment_terms_days": account.payment_terms_days,
                    "notice_days": account.notice_days,
                    "sla_hours": account.sla_hours,
                    "status": ended if back == 0 else "Expired",
                }
            )
    return rows


FIELDS: dict[str, tuple[str, dict[str, str]]] = {
    "accounts": (
        "Account",
        {
            "account_id": "Id",
            "name": "Name",
            "segment": "Segment__c",
            "region": "Region__c",
            "country": "BillingCountry",
            "city": "BillingCity",
            "industry": "Industry",
            "status": "Status__c",
            "health": "Health__c",
            "customer_since": "CustomerSince__c",
            "churned_on": "ChurnedOn__c",
            "owner_id": "OwnerId",
            "website": "Website",
        },
    ),
    "users": (
        "User",
        {
            "user_id": "Id",
            "name": "Name",
            "first_name": "FirstName",
            "last_name": "LastName",
            "email": "Email",
            "title": "Title",
            "region": "Region__c",
            "is_active": "IsActive",
        },
    ),
    "contacts": (
        "Contact",
        {
            "contact_id": "Id",
            "account_id": "AccountId",
            "name": "Name",
            "first_name": "FirstName",
            "last_name": "LastName",
            "email": "Email",
            "phone": "Phone",
            "title": "Title",
            "is_primary": "IsPrimary__c",
        },
    ),
    "opportunities": (
        "Opportunity",
        {
            "opportunity_id": "Id",
            "account_id": "AccountId",
            "owner_id": "OwnerId",
            "name": "Name",
            "type": "Type",
            "stage": "StageName",
            "amount": "Amount",
            "created_on": "CreatedOn__c",
            "close_date": "CloseDate",
        },
    ),
    "renewals": (
        "Renewal__c",
        {
            "renewal_id": "Id",
            "account_id": "Account__c",
            "contract_id": "Contract__c",
            "renewal_date": "RenewalDate__c",
            "amount": "Amount__c",
            "status": "Status__c",
        },
    ),
}
"""Table to Salesforce object and column to field, as the exports spell them."""


def write(world: World, out: Path) -> None:
    """Write the pages under `out`/crm, dirt included."""
    folder = out / "crm"
    folder.mkdir(parents=True, exist_ok=True)
    rng = world.random("crm dirt")
    for table in FIELDS:
        records = [_record(table, row) for row in world.tables[table]]
        if table == "accounts":
            _dirty_accounts(world, rng, records)
        elif table == "contacts":
            _dirty_contacts(world, rng, records)
        elif table == "opportunities":
            _dirty_dates(world, records)
        for page, start in enumerate(range(0, len(records), PAGE), 1):
            part = records[start : start + PAGE]
            body = {"totalSize": len(records), "done": start + PAGE >= len(records), "records": part}
            name = f"{table}_{page}.json" if len(records) > PAGE else f"{table}.json"
            text = json.dumps(body, ensure_ascii=table != "contacts", indent=1)
            (folder / name).write_text(text, encoding="utf-8")


def _record(table: str, row: Row) -> Row:
    kind, fields = FIELDS[table]
    record: Row = {
        "attributes": {"type": kind, "url": f"/services/data/v60.0/sobjects/{kind}/{next(iter(row.values()))}"}
    }
    for column, name in fields.items():
        value = row[column]
        record[name] = value.isoformat() if isinstance(value, dt.date) else value
    return record


def _dirty_accounts(world: World, rng: random.Random, records: list[Row]) -> None:
    """Old rows of merged accounts, rows without an id, German dates, and a field that only the last page has."""
    repeats = rng.sample(range(0, 250), 7)
    for at in repeats:
        records.append(dict(records[at]))
    world.dirt.add("crm", "accounts", "exact duplicate", len(repeats), "ignored")
    for at in (40, 333):
        broken = dict(records[at], Id=None, Name="(merged)")
        records.insert(at, broken)
    world.dirt.add("crm", "accounts", "missing key", 2, "quarantined", "Id is null")
    mixed = 0
    for at in range(5, 700, 9):
        value = records[at]["CustomerSince__c"]
        if value and records[at]["Id"]:
            day = dt.date.fromisoformat(value)
            records[at]["CustomerSince__c"] = day.strftime("%d.%m.%Y") if at % 2 else day.strftime("%-d %b %Y")
            mixed += 1
    for record in records[:700]:  # repeats copied above must stay repeats of what page one says
        for copy in records[700:]:
            if copy["Id"] == record["Id"]:
                copy.update(record)
    world.dirt.add("crm", "accounts", "mixed date formats", mixed, "normalised", "2019-03-04, 04.03.2019, 4 Mar 2019")
    late = 0
    for record in records[2 * PAGE :]:
        record["Loyalty_Tier__c"] = "Gold" if record["Segment__c"] == "Enterprise" else "Silver"
        late += 1
    world.dirt.add("crm", "accounts", "late column", late, "ignored", "Loyalty_Tier__c: not in the catalogue")


def _dirty_contacts(world: World, rng: random.Random, records: list[Row]) -> None:
    older = []
    for at in rng.sample(range(100, 600), 9):
        older.append((at, dict(records[at])))
    for at, copy in sorted(older, key=lambda pair: pair[0], reverse=True):
        records.insert(at + 1, copy)
    world.dirt.add("crm", "contacts", "exact duplicate", len(older), "ignored")
    for at in (150, 410, 901):
        records.insert(at, {**records[at], "Id": ""})
    world.dirt.add("crm", "contacts", "missing key", 3, "quarantined", "Id is empty")


def _dirty_dates(world: World, records: list[Row]) -> None:
    bad = dict(records[11], Id="OPP-99998", CloseDate="31.02.2026")
    records.insert(12, bad)
    world.dirt.add("crm", "opportunities", "impossible date", 1, "quarantined", "CloseDate 31.02.2026")
    mixed = 0
    for at in range(20, len(records), 17):
        day = dt.date.fromisoformat(records[at]["CloseDate"])
        records[at]["CloseDate"] = day.strftime("%d.%m.%Y")
        mixed += 1
    world.dirt.add("crm", "opportunities", "mixed date formats", mixed, "normalised", "day first, with dots")
