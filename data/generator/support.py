"""Support: tickets as JSON lines and customer e-mails as .eml, worded so that the tone follows the hidden risk."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections import defaultdict
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from data.generator import support_texts as texts
from data.generator.clock import TODAY, WEEKS, week_start
from data.generator.world import Account, Row, World, ascii_slug

TICKETS_A_WEEK = {"Enterprise": 0.07, "Mid-Market": 0.033, "SMB": 0.022}
ANGRY_A_WEEK = {"Enterprise": 0.5, "Mid-Market": 0.4, "SMB": 0.34}
TOPIC_OF_DRIVER = {
    "usage": "Portal",
    "seats": "Portal",
    "tickets": "Service",
    "billing": "Billing",
    "pricing": "Pricing",
}
EMAILS = 64


def build(world: World) -> None:
    """Fill the tickets and the e-mails (kept in `World.documents` with kind "email")."""
    rng = world.random("support")
    desk = _Desk(world, rng)
    drafts: list[Row] = []
    for account in world.accounts:
        for week in range(WEEKS):
            if not account.alive(week_start(week)):
                continue
            drafts += _week(rng, desk, account, week)
        if account.story == "at_risk":
            drafts += [desk.ticket(account, WEEKS - back, "angry", leaving=back == 2) for back in (2, 4)]
            if account.drivers["pricing"] == 1:
                drafts.append(desk.ticket(account, WEEKS - 3, "angry", topic="Pricing"))
    drafts.sort(key=lambda t: (t["created_at"], t["account_id"]))
    _inject(drafts)
    for number, ticket in enumerate(drafts, 1):
        ticket["ticket_id"] = f"TCK-{number:05d}"
    world.tables["tickets"] = drafts
    world.documents += _mails(world, desk)


def _week(rng: random.Random, desk: _Desk, account: Account, week: int) -> list[Row]:
    found = []
    if rng.random() < TICKETS_A_WEEK[account.segment] * (2.5 if account.quirk == "chatty" else 1):
        weights = (0.02, 0.2, 0.78) if account.quirk == "gruff" else (0.34, 0.56, 0.1)
        tone = rng.choices(("happy", "calm", "grumpy"), weights)[0]
        if account.level(week) == 0:
            found.append(desk.ticket(account, week, tone))
    if rng.random() < ANGRY_A_WEEK[account.segment] * account.pull("tickets", week):
        found.append(desk.ticket(account, week, "angry", leaving=account.level(week) >= 1 and rng.random() < 0.4))
    return found


class _Desk:
    """Writes tickets from the customer's own records."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self.rng = rng
        self.contacts = _by(world.tables["contacts"], "account_id")
        self.orders = _by(world.tables["orders"], "account_id")
        self.invoices = _by(world.tables["invoices"], "account_id")
        lines = _by(world.tables["order_lines"], "order_id")
        self.products = {p["product_id"]: p for p in world.tables["products"]}
        self.bought = {o["order_id"]: [x["product_id"] for x in lines[o["order_id"]]] for o in world.tables["orders"]}
        self.agents = {
            r: [u for u in world.users if u["region"] == r and u["title"] == "Support Agent"]
            for r in {u["region"] for u in world.users}
        }

    def ticket(self, account: Account, week: int, tone: str, *, topic: str = "", leaving: bool = False) -> Row:
        """One ticket of week `week` in a tone: angry, grumpy, calm or happy."""
        rng = self.rng
        bank = {"angry": texts.ANGRY, "grumpy": texts.GRUMPY, "calm": texts.CALM, "happy": texts.HAPPY}[tone]
        if not topic and tone == "angry" and rng.random() < 0.55:
            topic = TOPIC_OF_DRIVER[account.main_driver]
        topic = topic or rng.choice(tuple(bank))
        day = week_start(week) + dt.timedelta(days=rng.randint(0, 6))
        created = dt.datetime.combine(day, dt.time(rng.randint(7, 18), rng.randint(0, 59)))
        contact = rng.choice(self.contacts[account.account_id])
        values, product = self._values(account, day)
        subjects, firsts, seconds = bank[topic]
        parts = [rng.choice(texts.GREETINGS), rng.choice(firsts), rng.choice(seconds)]
        if leaving:
            parts.append(rng.choice(texts.LEAVING))
        if rng.random() < 0.04:
            parts.append(
                rng.choice(texts.PERSONAL).format(
                    phone=contact["phone"], private=f"{ascii_slug(contact['first_name'])}77@mail.example"
                )
            )
        parts.append(rng.choice(texts.SIGN_OFFS).format(name=contact["first_name"]))
        text = " ".join(parts).format(**values)
        resolved = self._resolved(account, created, tone)
        return {
            "ticket_id": "",
            "account_id": account.account_id,
            "contact_id": contact["contact_id"],
            "subject": rng.choice(subjects).format(**values),
            "body": text,
            "category": topic,
            "priority": rng.choice(
                {"angry": ("High", "Urgent"), "grumpy": ("Medium", "High")}.get(tone, ("Low", "Medium"))
            ),
            "channel": rng.choice(("Email", "Portal", "Phone")),
            "status": "Closed" if resolved else rng.choice(("Open", "Pending")),
            "created_at": created,
            "resolved_at": resolved,
            "agent_id": rng.choice(self.agents[account.region])["user_id"],
            "product_id": product
            if "{product}" in " ".join((*firsts, *subjects)) and product and values["product"] in text
            else None,
            "satisfaction": self._satisfaction(tone) if resolved and rng.random() < 0.6 else None,
        }

    def _values(self, account: Account, day: dt.date) -> tuple[dict[str, str], str | None]:
        orders = [o for o in self.orders[account.account_id] if o["order_date"] <= day]
        order = orders[-1] if orders else None
        invoices = [i for i in self.invoices[account.account_id] if i["issued_on"] <= day]
        bought = self.bought[order["order_id"]] if order else []
        product = self.rng.choice(bought) if bought else None
        return {
            "order": order["order_id"] if order else "of last week",
            "invoice": invoices[-1]["invoice_id"] if invoices else "of this month",
            "product": self.products[product]["name"] if product else "winter range",
            "city": account.city,
            "days": str(self.rng.randint(4, 21)),
            "count": str(self.rng.randint(3, 24)),
        }, product

    def _resolved(self, account: Account, created: dt.datetime, tone: str) -> dt.datetime | None:
        slow = tone == "angry" or account.quirk == "chatty"
        days = self.rng.randint(30, 80) if slow else self.rng.choice((0, 1, 1, 2, 2, 3, 5))
        resolved = created + dt.timedelta(days=days, minutes=self.rng.randint(20, 300))
        return resolved if resolved.date() < TODAY else None

    def _satisfaction(self, tone: str) -> int:
        return self.rng.choice({"angry": (1, 1, 2), "grumpy": (2, 3, 4), "calm": (3, 4, 5), "happy": (5, 5, 4)}[tone])


def _by(rows: list[Row], column: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[column]].append(row)
    return found


def _inject(tickets: list[Row]) -> None:
    """Turn one calm ticket into one that tries to give the assistant orders."""
    calm = next(t for t in reversed(tickets) if t["category"] == "Pricing" and t["priority"] in ("Low", "Medium"))
    calm["subject"], calm["body"] = texts.INJECTION
    calm["product_id"] = None


def _mails(world: World, desk: _Desk) -> list[Row]:
    """E-mails of customers: those at risk this quarter write one each, the others at random."""
    rng = world.random("mails")
    risky = [world.account(key) for key in sorted(world.at_risk)]
    others = [a for a in world.accounts if a.story == "steady" and a.segment == "Enterprise"]
    writers = risky + rng.sample(others, EMAILS - len(risky))
    owners = {u["user_id"]: u for u in world.users}
    found = []
    for at, account in enumerate(writers):
        ticket = desk.ticket(
            account,
            WEEKS - rng.randint(1, 6),
            "angry" if account.level(WEEKS) else rng.choice(("calm", "happy")),
            leaving=bool(account.level(WEEKS)) and at % 2 == 0,
        )
        contact = next(c for c in world.tables["contacts"] if c["contact_id"] == ticket["contact_id"])
        owner = owners[account.owner_id]
        found.append(
            {
                "doc_id": f"support:mail/{at + 1:03d}-{ascii_slug(account.name)[:24]}.eml",
                "kind": "email",
                "title": ticket["subject"],
                "text": ticket["body"],
                "account_id": account.account_id,
                "date": ticket["created_at"],
                "from": (contact["name"], contact["email"]),
                "to": (owner["name"], owner["email"]),
            }
        )
    return found


def write(world: World, out: Path) -> None:
    """Write `out`/support/tickets_*.jsonl and `out`/support/mail/*.eml, dirt included."""
    folder = out / "support"
    (folder / "mail").mkdir(parents=True, exist_ok=True)
    tickets = world.tables["tickets"]
    for year in (2024, 2025, 2026):
        lines = [json.dumps(_json(t), ensure_ascii=year == 2024) for t in tickets if t["created_at"].year == year]
        if year == 2025:
            lines.insert(100, lines[100][: len(lines[100]) // 2])
            lines.insert(400, json.dumps({**json.loads(lines[401]), "ticket_id": None}))
            lines += [lines[20], lines[21]]
        (folder / f"tickets_{year}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    personal = sum("private" in t["body"] or "IBAN" in t["body"] for t in tickets)
    world.dirt.add("support", "tickets", "line broke off", 1, "quarantined", "not JSON")
    world.dirt.add("support", "tickets", "missing key", 1, "quarantined", "ticket_id is null")
    world.dirt.add("support", "tickets", "exact duplicate", 2, "ignored")
    world.dirt.add("support", "tickets", "personal data in free text", personal, "loaded", "phones, IBAN, private mail")
    world.dirt.add("support", "tickets", "orders to the assistant", 1, "loaded", "an instruction in the ticket's text")
    for at, mail in enumerate(d for d in world.documents if d["kind"] == "email"):
        _write_mail(folder / mail["doc_id"].removeprefix("support:"), mail, at)
    world.dirt.add("support", "mail", "odd encoding", EMAILS // 4, "normalised", "ISO-8859-1 and base64 bodies")


def _json(ticket: Row) -> Row:
    return {k: v.isoformat() if isinstance(v, dt.datetime) else v for k, v in ticket.items()}


def _write_mail(path: Path, mail: Row, at: int) -> None:
    message = EmailMessage(policy=SMTP)
    message["From"] = f"{ascii_slug(mail['from'][0].split()[0]).title()} <{mail['from'][1]}>"
    message["To"] = f"<{mail['to'][1]}>"
    message["Subject"] = mail["title"]
    message["Date"] = mail["date"].strftime("%a, %d %b %Y %H:%M:00 +0000")
    message["Message-ID"] = f"<{path.stem}@{mail['from'][1].split('@')[1]}>"
    charset, encoding = (
        ("iso-8859-1", "quoted-printable") if at % 4 == 1 else ("utf-8", "base64" if at % 4 == 2 else "8bit")
    )
    try:
        message.set_content(mail["text"], charset=charset, cte=encoding)
    except UnicodeEncodeError:
        message.set_content(mail["text"], charset="utf-8", cte=encoding)
    path.write_bytes(message.as_bytes())
