"""Golden questions about invoices, payments, contracts, renewals and deals."""

from __future__ import annotations

import datetime as dt

from data.generator.clock import TODAY
from data.golden.facts import (
    JUNE_2026,
    MARCH_2026,
    Q1_2026,
    Q2_2026,
    Q3_2026,
    YEAR_2025,
    Facts,
    groups,
    mean,
    means,
    sums,
    tally,
    top,
    total,
)
from data.golden.question import Question, ask

CLOSED = ("Closed Won", "Closed Lost")


def questions(f: Facts) -> list[Question]:
    """The questions with their expectations."""
    return [*_invoices(f), *_payments(f), *_contracts(f), *_renewals(f), *_deals(f)]


def _invoices(f: Facts) -> list[Question]:
    invoices = f.all("invoices")
    overdue = [i for i in invoices if i["status"] == "Overdue"]
    year = [i for i in invoices if YEAR_2025.has(i["issued_on"])]
    by_account = sums(overdue, lambda i: i["account"]["name"], "amount")
    return [
        ask(
            "overdue",
            "How many invoices are overdue and what do they add up to?",
            [[len(overdue), total(overdue, "amount")]],
        ),
        ask(
            "open-total",
            "What is the total of open invoices?",
            total([i for i in invoices if i["status"] == "Open"], "amount"),
        ),
        ask("overdue-region", "Overdue amount per region", sums(overdue, lambda i: i["account"]["region"], "amount")),
        ask(
            "overdue-top", "Which five accounts owe us the most in overdue invoices?", top(by_account, 5), ordered=True
        ),
        ask(
            "overdue-days",
            "Which invoices are overdue by more than 60 days?",
            [[i["invoice_id"]] for i in overdue if i["due_on"] < TODAY - dt.timedelta(60)],
        ),
        ask(
            "overdue-over-20k",
            "Which accounts have overdue invoices of more than 40,000 euros in total?",
            [[k] for k, v in by_account if v > 40000],
        ),
        ask(
            "avg-invoice-smb",
            "What was the average invoice amount for SMB customers in 2025?",
            mean([i for i in year if i["account"]["segment"] == "SMB"], "amount"),
        ),
        ask(
            "unpaid-before-may",
            "How many unpaid invoices were due before May 1, 2026?",
            sum(i["status"] != "Paid" and i["due_on"] < dt.date(2026, 5, 1) for i in invoices),
        ),
        ask(
            "large-invoices",
            "How many invoices over 50,000 euros were issued in 2025?",
            sum(i["amount"] > 50000 for i in year),
        ),
        ask("largest-invoice", "What was the largest invoice amount in 2025?", max(i["amount"] for i in year)),
        ask(
            "invoiced-march",
            "How much did we invoice in March 2026?",
            total([i for i in invoices if MARCH_2026.has(i["issued_on"])], "amount"),
        ),
        ask("invoice-status", "How many invoices are there by status?", tally(invoices, lambda i: i["status"])),
    ]


def _payments(f: Facts) -> list[Question]:
    payments = f.all("payments")
    year = [p for p in payments if YEAR_2025.has(p["paid_on"])]
    return [
        ask(
            "paid-march",
            "How much money did we receive in payments in March 2026?",
            total([p for p in payments if MARCH_2026.has(p["paid_on"])], "amount"),
        ),
        ask("payment-methods", "Total payments of 2025 by payment method", sums(year, lambda p: p["method"], "amount")),
        ask(
            "common-method",
            "Which payment method is used most often?",
            [top(tally(payments, lambda p: p["method"]), 1)[0][:1]],
        ),
        ask(
            "card-payments",
            "How many credit card payments did we get in 2025?",
            sum(p["method"] == "Credit Card" for p in year),
        ),
    ]


def _contracts(f: Facts) -> list[Question]:
    active = [c for c in f.all("contracts") if c["status"] == "Active"]
    return [
        ask(
            "contract-value",
            "What is the total annual value of active contracts per segment?",
            sums(active, lambda c: c["account"]["segment"], "annual_value"),
        ),
        ask(
            "notice-120",
            "How many active contracts have a notice period of 120 days?",
            sum(c["notice_days"] == 120 for c in active),
        ),
        ask(
            "discount-segment",
            "What is the average discount in active contracts by segment?",
            means(active, lambda c: c["account"]["segment"], "discount_percent"),
        ),
        ask(
            "seats-apac",
            "How many seats do our active contracts in APAC cover?",
            int(sum(c["seats"] for c in active if c["account"]["region"] == "APAC")),
        ),
        ask(
            "biggest-contracts",
            "Name the three accounts with the highest annual contract value among active contracts.",
            [[r[0]] for r in top([[c["account"]["name"], c["annual_value"]] for c in active], 3)],
            ordered=True,
        ),
        ask(
            "contracts-over-800k",
            "Which active contracts are worth more than 850,000 euros a year?",
            [[c["contract_id"]] for c in active if c["annual_value"] > 850000],
            alternatives=[[[c["account"]["name"]] for c in active if c["annual_value"] > 850000]],
        ),
    ]


def _renewals(f: Facts) -> list[Question]:
    renewals = f.all("renewals")
    waiting = [r for r in renewals if r["status"] == "Open"]
    return [
        ask(
            "renewed-quarter",
            "Which SMB customers renewed last quarter?",
            [
                [one]
                for one in sorted(
                    {
                        r["account"]["name"]
                        for r in renewals
                        if r["status"] == "Renewed"
                        and r["account"]["segment"] == "SMB"
                        and Q1_2026.has(r["renewal_date"])
                    }
                )
            ],
        ),
        ask(
            "renewals-quarter",
            "How many open renewals are due this quarter?",
            sum(Q2_2026.has(r["renewal_date"]) for r in waiting),
        ),
        ask(
            "renewal-amount-next",
            "What amount of open renewals is due next quarter in each region?",
            sums([r for r in waiting if Q3_2026.has(r["renewal_date"])], lambda r: r["account"]["region"], "amount"),
        ),
        ask(
            "renewals-june",
            "Which enterprise accounts in EMEA have an open renewal in June 2026?",
            [
                [r["account"]["name"]]
                for r in waiting
                if JUNE_2026.has(r["renewal_date"])
                and r["account"]["segment"] == "Enterprise"
                and r["account"]["region"] == "EMEA"
            ],
        ),
        ask(
            "renewals-lost",
            "How many renewals were lost with a renewal date in 2025?",
            sum(r["status"] == "Lost" and YEAR_2025.has(r["renewal_date"]) for r in renewals),
        ),
        ask(
            "largest-renewal",
            "What is the amount of the largest open renewal due this quarter?",
            [[max((r for r in waiting if Q2_2026.has(r["renewal_date"])), key=lambda r: r["amount"])["amount"]]],
        ),
        ask(
            "renewals-owner",
            "How many open renewals are due this quarter per account owner in EMEA?",
            tally(
                [r for r in waiting if Q2_2026.has(r["renewal_date"]) and r["account"]["region"] == "EMEA"],
                lambda r: r["account"]["owner"]["name"],
            ),
        ),
    ]


def _deals(f: Facts) -> list[Question]:
    deals = f.all("opportunities")
    open_ = [d for d in deals if d["stage"] not in CLOSED]
    year = [d for d in deals if YEAR_2025.has(d["close_date"])]
    won = [d for d in year if d["stage"] == "Closed Won"]
    rates = [
        [k, round(100 * sum(d["stage"] == "Closed Won" for d in v) / sum(d["stage"] in CLOSED for d in v), 4)]
        for k, v in sorted(groups(year, lambda d: d["type"]).items())
    ]
    quarter = [d for d in deals if d["stage"] == "Closed Won" and Q1_2026.has(d["close_date"])]
    return [
        ask("pipeline", "What is the total amount of our open opportunities?", total(open_, "amount")),
        ask(
            "pipeline-stage",
            "Open opportunities by stage: how many and how much?",
            [[k, len(v), total(v, "amount")] for k, v in sorted(groups(open_, lambda d: d["stage"]).items())],
        ),
        ask("won-2025", "How many deals did we win in 2025?", len(won)),
        ask(
            "won-region", "Amount of won deals in 2025 by region", sums(won, lambda d: d["account"]["region"], "amount")
        ),
        ask(
            "win-rate",
            "What was the win rate per deal type in 2025?",
            rates,
            alternatives=[[[k, round(v / 100, 4)] for k, v in rates]],
        ),
        ask(
            "largest-deal",
            "What is the name of our largest open deal?",
            [top([[d["name"], d["amount"]] for d in open_], 1)[0][:1]],
        ),
        ask(
            "pipeline-owner",
            "Which account owner has the biggest open pipeline?",
            [top(sums(open_, lambda d: d["owner"]["name"], "amount"), 1)[0][:1]],
        ),
        ask(
            "lost-enterprise",
            "How many deals with enterprise customers were lost in 2025?",
            sum(d["stage"] == "Closed Lost" and d["account"]["segment"] == "Enterprise" for d in year),
        ),
        ask("won-last-quarter", "What was the average amount of the deals won last quarter?", mean(quarter, "amount")),
        ask(
            "closing-quarter",
            "How many open deals are expected to close this quarter?",
            sum(Q2_2026.has(d["close_date"]) for d in open_),
        ),
    ]
