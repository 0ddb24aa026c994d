"""Golden questions about tickets, portal usage and product views."""

from __future__ import annotations

import datetime as dt

from data.generator.clock import TODAY
from data.generator.shop import SUMMER
from data.golden.facts import APRIL_2026, Q1_2026, YEAR_2025, Facts, groups, mean, means, month, sums, tally, top
from data.golden.question import Question, ask


def questions(f: Facts) -> list[Question]:
    """The questions with their expectations."""
    return [*_tickets(f), *_resolution(f), *_satisfaction(f), *_usage(f), *_views(f)]


def _resolution(f: Facts) -> list[Question]:
    """How long tickets took, in days."""
    solved = [t for t in f.all("tickets") if t["resolved_at"] is not None]
    days = [{**t, "days": (t["resolved_at"] - t["created_at"]).total_seconds() / 86_400} for t in solved]
    year = [t for t in days if YEAR_2025.has(t["created_at"])]
    return [
        ask(
            "closed-april",
            "How many tickets were closed in April 2026?",
            sum(APRIL_2026.has(t["resolved_at"]) for t in solved if t["status"] == "Closed"),
        ),
        ask(
            "resolution-apac",
            "How quickly do we resolve tickets in APAC on average?",
            mean([t for t in days if t["account"]["region"] == "APAC"], "days"),
        ),
        ask(
            "resolution-priority",
            "How long did it take us to resolve the tickets of 2025, by priority?",
            means(year, lambda t: t["priority"], "days"),
        ),
        ask(
            "slowest-category",
            "Which ticket category had the longest resolution time in 2025?",
            [top(means(year, lambda t: t["category"], "days"), 1)[0][:1]],
        ),
    ]


def _tickets(f: Facts) -> list[Question]:
    tickets = f.all("tickets")
    waiting = [t for t in tickets if t["status"] != "Closed"]
    quarter = [t for t in tickets if Q1_2026.has(t["created_at"])]
    year = [t for t in tickets if YEAR_2025.has(t["created_at"])]
    urgent = 100 * sum(t["priority"] == "Urgent" for t in quarter) / len(quarter)
    old = TODAY - dt.timedelta(30)
    loud = tally(year, lambda t: t["account"]["name"])
    cut = sorted((n for _, n in loud), reverse=True)[7]
    return [
        ask("open-tickets", "How many tickets are open or pending?", len(waiting)),
        ask(
            "opened-april-apac",
            "How many tickets did APAC customers open in April 2026?",
            sum(APRIL_2026.has(t["created_at"]) and t["account"]["region"] == "APAC" for t in tickets),
        ),
        ask(
            "tickets-old",
            "How many open tickets are older than 30 days?",
            sum(t["created_at"].date() < old for t in waiting),
        ),
        ask("tickets-category", "Tickets of last quarter by category", tally(quarter, lambda t: t["category"])),
        ask(
            "tickets-april-emea",
            "How many tickets did EMEA customers raise in April 2026?",
            sum(APRIL_2026.has(t["created_at"]) and t["account"]["region"] == "EMEA" for t in tickets),
        ),
        ask(
            "urgent-open-region",
            "How many urgent tickets are still unresolved in each region?",
            tally([t for t in waiting if t["priority"] == "Urgent"], lambda t: t["account"]["region"]),
        ),
        ask(
            "urgent-share",
            "What share of last quarter's tickets was urgent, in percent?",
            round(urgent, 4),
            alternatives=[[[round(urgent / 100, 4)]]],
        ),
        ask(
            "warranty-tickets",
            "How many warranty tickets were created in 2025?",
            sum(t["category"] == "Warranty" for t in year),
        ),
        ask(
            "busiest-agent",
            "Which support agent handled the most tickets in 2025?",
            [top(tally(year, lambda t: t["agent"]["name"]), 1)[0][:1]],
        ),
        ask(
            "tickets-month-chart",
            "Show me a chart of tickets per month in 2025.",
            [[n] for _, n in tally(year, lambda t: month(t["created_at"]))],
            ordered=True,
            chart=True,
        ),
        ask(
            "loud-accounts",
            f"Which accounts opened more than {cut} tickets in 2025?",
            [[k] for k, n in loud if n > cut],
        ),
        ask(
            "enterprise-open-emea",
            "How many open tickets do our enterprise accounts in EMEA have?",
            sum(t["account"]["segment"] == "Enterprise" and t["account"]["region"] == "EMEA" for t in waiting),
        ),
        ask("ticket-channel", "How did the tickets of 2025 reach us, by channel?", tally(year, lambda t: t["channel"])),
        ask(
            "no-tickets",
            "How many active SMB accounts have never opened a ticket?",
            sum(a["status"] == "Active" and a["segment"] == "SMB" for a in f.all("accounts"))
            - len(
                {
                    t["account_id"]
                    for t in tickets
                    if t["account"]["status"] == "Active" and t["account"]["segment"] == "SMB"
                }
            ),
        ),
    ]


def _satisfaction(f: Facts) -> list[Question]:
    tickets = f.all("tickets")
    year = [t for t in tickets if YEAR_2025.has(t["created_at"])]
    return [
        ask(
            "csat-category",
            "What is the average satisfaction per ticket category?",
            means(tickets, lambda t: t["category"], "satisfaction"),
        ),
        ask(
            "csat-worst",
            "Which product category has the lowest satisfaction?",
            [
                min(
                    means([t for t in tickets if t["product"]], lambda t: t["product"]["category"], "satisfaction"),
                    key=lambda cells: cells[1],
                )[:1]
            ],
        ),
        ask(
            "csat-2025",
            "How satisfied were customers with our support in 2025, on average?",
            mean(year, "satisfaction"),
        ),
        ask(
            "csat-region",
            "Average satisfaction rating in AMER and EMEA",
            [r for r in means(tickets, lambda t: t["account"]["region"], "satisfaction") if r[0] in ("AMER", "EMEA")],
        ),
        ask(
            "csat-one",
            "How many tickets got a satisfaction rating of 1 in 2025?",
            sum(t["satisfaction"] == 1 for t in year),
        ),
    ]


def _usage(f: Facts) -> list[Question]:
    quarter = [u for u in f.all("usage") if Q1_2026.has(u["week"])]
    april = [u for u in f.all("usage") if APRIL_2026.has(u["week"])]
    seat = [
        [k, round(100 * sum(u["active_users"] for u in v) / sum(u["seats"] for u in v), 4)]
        for k, v in sorted(groups(april, lambda u: u["account"]["segment"]).items())
    ]
    return [
        ask(
            "sessions-region",
            "How many portal sessions were there last quarter per region?",
            [[k, int(v)] for k, v in sums(quarter, lambda u: u["account"]["region"], "sessions")],
        ),
        ask(
            "sessions-top",
            "Which 5 accounts had the most portal sessions in Q1 2026?",
            [[k, int(v)] for k, v in top(sums(quarter, lambda u: u["account"]["name"], "sessions"), 5)],
            ordered=True,
        ),
        ask(
            "seat-use",
            "What was the seat use per segment in April 2026?",
            seat,
            alternatives=[[[k, round(v / 100, 4)] for k, v in seat]],
        ),
        ask(
            "sessions-average",
            "What was the average number of sessions per account and week for enterprise accounts in April 2026?",
            mean([u for u in april if u["account"]["segment"] == "Enterprise"], "sessions"),
        ),
    ]


def _views(f: Facts) -> list[Question]:
    views = f.all("product_views")
    april = [v for v in views if APRIL_2026.has(v["viewed_at"])]
    key = sorted(f.world.at_risk_this_quarter("Enterprise", "EMEA"))[2]
    name = f.world.account(key).name
    mine = {v["product_id"] for v in views if v["account_id"] == key}
    seen = sorted({v["account"]["name"] for v in april if v["product"]["category"] == "Cookware"})
    return [
        ask("lookers-april", "Which customers looked at cookware last month?", [[one] for one in seen]),
        ask("views-april", "How many product views were there in April 2026?", len(april)),
        ask(
            "views-top-category",
            "Which product category was viewed most last month?",
            [top(tally(april, lambda v: v["product"]["category"]), 1)[0][:1]],
        ),
        ask(
            "views-summer",
            "How often have products of the new summer collection been viewed?",
            sum(v["product"]["collection"] == SUMMER for v in views),
        ),
        ask("views-distinct", f"How many different products has {name} looked at?", len(mine)),
        ask(
            "views-region",
            "Product views of the Summer 2026 collection by region",
            tally([v for v in views if v["product"]["collection"] == SUMMER], lambda v: v["account"]["region"]),
        ),
    ]
