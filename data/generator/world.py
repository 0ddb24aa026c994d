"""The seeded truth that every system of the sample company draws from: accounts, their hidden risk, our people.

Each account follows one story (`Account.story`): steady, declining until it churned, at risk today, saved after a
decline, or gone without a sign. `Account.level(week)` is the hidden risk in 0..1 that drives usage, tickets,
payments and seats; nothing else in the data knows it.
"""

from __future__ import annotations

import datetime as dt
import random
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from data.generator import names
from data.generator.clock import START, TODAY, WEEKS, add_months, quarter_end, week_of, week_start
from data.generator.dirt import Dirt

Story = Literal["steady", "churned", "sudden", "saved", "at_risk"]
Quirk = Literal["", "spare seats", "seasonal", "chatty", "slow payer", "gruff"]
"""A habit of a content account that looks like one sign of a decline: no single signal gives the risk away."""
DRIVERS = ("usage", "seats", "tickets", "billing", "pricing")
KEY_ACCOUNTS = 10
RAMP = 6
"""Weeks from the first sign of a decline to its full depth."""
QUOTA = {
    "Enterprise": {"EMEA": 64, "AMER": 42, "APAC": 26, "LATAM": 18},
    "Mid-Market": {"EMEA": 96, "AMER": 70, "APAC": 44, "LATAM": 30},
    "SMB": {"EMEA": 130, "AMER": 96, "APAC": 60, "LATAM": 44},
}
Row = dict[str, Any]
"""One clean record of a table: column name to Python value."""


def ascii_slug(text: str) -> str:
    """`text` as lower-case ASCII letters and digits, for e-mail addresses and file names."""
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss")).encode("ascii", "ignore").decode()
    return "".join(c for c in plain.lower() if c.isalnum())


@dataclass
class Account:
    """A customer with its hidden story. `drivers` gives the depth (0..1) of each signal of a decline."""

    account_id: str
    name: str
    segment: str
    region: str
    country: str
    city: str
    industry: str
    customer_since: dt.date
    owner_id: str
    seats: int
    annual_value: float
    discount_percent: int
    payment_terms_days: int
    notice_days: int
    sla_hours: int
    story: Story = "steady"
    quirk: Quirk = ""
    volume: float = 1.0
    onset: int = 10**6
    end: int = 10**6
    drivers: dict[str, float] = field(default_factory=dict)
    churned_on: dt.date | None = None
    health: str = "Green"
    domain: str = ""

    def level(self, week: int) -> float:
        """The hidden risk in week `week`, 0 (content) to 1 (leaving)."""
        if self.story in ("steady", "sudden"):
            return 0.0
        up = min(1.0, max(0.0, (week - self.onset + 1) / RAMP))
        down = min(1.0, max(0.0, (week - self.end) / RAMP)) if self.story == "saved" else 0.0
        return max(0.0, up - down)

    def pull(self, driver: str, week: int) -> float:
        """How strongly the decline shows in one signal in week `week`, 0..1."""
        return self.level(week) * self.drivers.get(driver, 0.0)

    @property
    def main_driver(self) -> str:
        """The signal in which the decline shows most, or an empty string for a steady account."""
        return max(self.drivers, key=lambda d: self.drivers[d]) if self.drivers else ""

    def alive(self, day: dt.date) -> bool:
        """Whether the account was our customer on `day`."""
        return self.customer_since <= day and (self.churned_on is None or self.churned_on > day)

    @property
    def next_renewal(self) -> dt.date:
        """The end of the contract term that runs today (or ran when the account churned)."""
        at = self.churned_on or TODAY
        years = at.year - self.customer_since.year
        day = add_months(self.customer_since, 12 * years)
        return day if day > at else add_months(self.customer_since, 12 * (years + 1))


@dataclass
class World:
    """Everything that is true at the sample company. `tables` holds the clean rows of every table, by name."""

    seed: int
    accounts: list[Account]
    users: list[Row]
    tables: dict[str, list[Row]] = field(default_factory=dict)
    documents: list[Row] = field(default_factory=list)
    dirt: Dirt = field(default_factory=Dirt)

    def random(self, name: str) -> random.Random:
        """A random source for one purpose, so that one module's draws never move another's."""
        return random.Random(f"{self.seed}:{name}")

    def account(self, account_id: str) -> Account:
        """The account of that id; raises KeyError for an unknown one."""
        found = next((a for a in self.accounts if a.account_id == account_id), None)
        if found is None:
            raise KeyError(account_id)
        return found

    @property
    def at_risk(self) -> frozenset[str]:
        """Ids of the live accounts that are truly at risk of churn today."""
        return frozenset(a.account_id for a in self.accounts if a.story == "at_risk")

    def at_risk_this_quarter(self, segment: str | None = None, region: str | None = None) -> frozenset[str]:
        """Ids of live accounts at risk whose open renewal falls in the quarter of `TODAY`."""
        return frozenset(
            a.account_id
            for a in self.accounts
            if a.story == "at_risk"
            and a.next_renewal <= quarter_end(TODAY)
            and segment in (None, a.segment)
            and region in (None, a.region)
        )


def build_people(rng: random.Random) -> list[Row]:
    """Our own people: sales managers, account managers and support agents, a region each."""
    plan = [("Sales Manager", 1), ("Key Account Manager", 3), ("Account Manager", 2), ("Support Agent", 2)]
    picks = rng.sample([(f, n) for f in names.FIRST_NAMES for n in names.LAST_NAMES], 4 * 8)
    users: list[Row] = []
    for region in names.COUNTRIES:
        for title, count in plan:
            for _ in range(count):
                first, last = picks[len(users)]
                users.append(
                    {
                        "user_id": f"USR-{len(users) + 1:02d}",
                        "name": f"{first} {last}",
                        "first_name": first,
                        "last_name": last,
                        "email": f"{ascii_slug(first)}.{ascii_slug(last)}@alpenglow.example",
                        "title": title,
                        "region": region,
                        "is_active": True,
                    }
                )
    return users


def build_world(seed: int) -> World:
    """The accounts with their stories, and our people. Same seed, same world."""
    rng = random.Random(f"{seed}:world")
    users = build_people(rng)
    accounts = _accounts(rng, users)
    _stories(rng, accounts)
    _health(rng, accounts)
    return World(seed, accounts, users)


def _accounts(rng: random.Random, users: list[Row]) -> list[Account]:
    stems = sorted({p + s for p in names.PREFIXES for s in names.SUFFIXES} - names.AVOID)
    rng.shuffle(stems)
    wanted = [(seg, reg) for seg, quota in QUOTA.items() for reg, n in quota.items() for _ in range(n)]
    rng.shuffle(wanted)
    made = []
    for at, (segment, region) in enumerate(wanted):
        country, cities, forms = rng.choice(names.COUNTRIES[region])
        enterprise = segment == "Enterprise"
        titles = ("Key Account Manager",) if enterprise else ("Account Manager", "Key Account Manager")
        owners = [u["user_id"] for u in users if u["region"] == region and u["title"] in titles]
        low, high = {"Enterprise": (180, 900), "Mid-Market": (40, 170), "SMB": (6, 38)}[segment]
        name = f"{stems[at]} {rng.choice(forms.split('|'))}"
        made.append(
            Account(
                account_id=f"ACC-{at + 1:04d}",
                name=name,
                segment=segment,
                region=region,
                country=country,
                city=rng.choice(cities),
                industry=rng.choice(names.INDUSTRIES),
                customer_since=_since(rng, new=rng.random() < 0.11),
                owner_id=rng.choice(owners),
                seats=rng.randint(*{"Enterprise": (40, 160), "Mid-Market": (12, 40), "SMB": (3, 12)}[segment]),
                annual_value=float(rng.randint(low, high) * 1000),
                discount_percent=rng.choice(
                    {"Enterprise": (12, 15, 18, 20), "Mid-Market": (6, 8, 10), "SMB": (0, 3, 5)}[segment]
                ),
                payment_terms_days=rng.choice((30, 30, 45) if enterprise else (30,)),
                notice_days=rng.choice((60, 90, 120) if enterprise else (30, 60)),
                sla_hours=rng.choice((4, 8) if enterprise else (24, 48)),
                domain=f"{ascii_slug(stems[at])}.example",
            )
        )
    return made


def _since(rng: random.Random, *, new: bool) -> dt.date:
    if new:
        return START + dt.timedelta(days=rng.randint(60, 540))
    return dt.date(2014, 1, 6) + dt.timedelta(days=rng.randint(0, 3500))


def _stories(rng: random.Random, accounts: list[Account]) -> None:
    """Give accounts their stories: who is at risk today and renews when, who churned, who was saved."""
    old = [a for a in accounts if a.customer_since < START - dt.timedelta(days=120)]

    def take(count: int, segment: str | None = None, region: str | None = None) -> list[Account]:
        fits = [a for a in old if a.story == "steady" and segment in (None, a.segment) and region in (None, a.region)]
        return rng.sample(fits, count)

    this_quarter = (TODAY + dt.timedelta(days=4), quarter_end(TODAY))
    later = (quarter_end(TODAY) + dt.timedelta(days=12), add_months(TODAY, 11))
    plan: list[tuple[int, str, str, tuple[dt.date, dt.date]]] = [
        (11, "Enterprise", "EMEA", this_quarter),
        (5, "Enterprise", "EMEA", later),
        (3, "Enterprise", "AMER", this_quarter),
        (2, "Enterprise", "APAC", this_quarter),
        (2, "Enterprise", "AMER", later),
        (4, "Mid-Market", "EMEA", this_quarter),
        (3, "Mid-Market", "AMER", later),
        (3, "SMB", "EMEA", this_quarter),
        (2, "SMB", "LATAM", later),
    ]
    for count, segment, region, (first, last) in plan:
        for account in take(count, segment, region):
            _decline(rng, account, "at_risk", WEEKS - rng.randint(9, 13))
            _renew_on(account, first + dt.timedelta(days=rng.randint(0, (last - first).days)))
    for segment, count in (("Enterprise", 16), ("Mid-Market", 34), ("SMB", 46)):
        for account in take(count, segment):
            churn = rng.randint(30, WEEKS - 2)
            _decline(rng, account, "churned", churn - rng.randint(17, 21))
            account.churned_on = week_start(churn) + dt.timedelta(days=rng.randint(0, 4))
    for account in take(4, "SMB"):
        account.story = "sudden"
        account.churned_on = week_start(rng.randint(40, WEEKS - 6))
    for account in take(8):
        _decline(rng, account, "saved", rng.randint(20, 45))
        account.end = account.onset + rng.randint(6, 9)
    for account in take(9, "Enterprise", "EMEA"):  # content, and renewing this quarter
        first, last = this_quarter
        _renew_on(account, first + dt.timedelta(days=rng.randint(0, (last - first).days)))
    quirks: tuple[Quirk, ...] = ("spare seats", "seasonal", "chatty", "slow payer", "gruff")
    for account in accounts:
        if account.story in ("steady", "sudden") and rng.random() < 0.3:
            account.quirk = rng.choice(quirks)
    for rank, account in enumerate(take(KEY_ACCOUNTS, "Enterprise")):
        account.volume = round(3.6 - 0.1 * rank, 1)  # they stand out, so that "our top 10" has one answer
    _twin(accounts)


def _decline(rng: random.Random, account: Account, story: Story, onset: int) -> None:
    account.story, account.onset = story, onset
    account.drivers = {driver: round(rng.uniform(0.45, 0.75), 2) for driver in DRIVERS}
    account.drivers[rng.choice(DRIVERS)] = 1.0


def _renew_on(account: Account, day: dt.date) -> None:
    """Move the account's anniversary so that its running term ends on `day`."""
    year = account.customer_since.year
    account.customer_since = dt.date(year, day.month, min(day.day, 28))


def _twin(accounts: list[Account]) -> None:
    """Give one healthy account the same first name as an account at risk: "Nordwand" alone is ambiguous."""
    risky = next(
        a
        for a in accounts
        if a.story == "at_risk"
        and a.segment == "Enterprise"
        and a.region == "EMEA"
        and a.next_renewal <= quarter_end(TODAY)
    )
    twin = next(a for a in accounts if a.story == "steady" and a.segment == "Enterprise" and a.region == "AMER")
    risky.name = "Nordwand " + risky.name.split(" ", 1)[1]
    twin.name = "Nordwand " + twin.name.split(" ", 1)[1]
    risky.domain, twin.domain = "nordwand.example", "nordwand-outdoor.example"
    for other in accounts:
        if other.name.startswith("Nordwand ") and other not in (risky, twin):
            other.name = "Nordpfeiler " + other.name.split(" ", 1)[1]
            other.domain = "nordpfeiler.example"


def _health(rng: random.Random, accounts: Iterable[Account]) -> None:
    """What the CRM says of each account; it lags behind the truth, and for one account it is plainly wrong."""
    wrong = True
    for account in accounts:
        if account.story == "at_risk":
            account.health = rng.choice(("Amber", "Red"))
            due = account.next_renewal <= quarter_end(TODAY) and not account.name.startswith("Nordwand")
            if wrong and due and account.segment == "Enterprise" and account.region == "EMEA":
                account.health, wrong = "Green", False
        elif account.churned_on is None:
            account.health = "Amber" if rng.random() < 0.12 else "Green"
        else:
            account.health = "Red" if week_of(account.churned_on) % 3 else "Amber"
