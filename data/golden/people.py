"""Golden questions about accounts, contacts and our own people."""

from __future__ import annotations

from data.generator.clock import TODAY
from data.golden.facts import Q1_2026, YEAR_2025, YEAR_2026, Facts, groups, tally, top
from data.golden.question import Question, ask


def questions(f: Facts) -> list[Question]:
    """The questions with their expectations."""
    return [*_accounts(f), *_churn(f), *_names(f)]


def _accounts(f: Facts) -> list[Question]:
    accounts = f.all("accounts")
    active = [a for a in accounts if a["status"] == "Active"]
    return [
        ask(
            "purchasing",
            "How many contacts work in purchasing?",
            sum("Purchasing" in c["title"] for c in f.all("contacts")),
        ),
        ask(
            "none-overdue",
            "How many enterprise accounts have no overdue invoices?",
            sum(a["segment"] == "Enterprise" for a in accounts)
            - len(
                {
                    i["account_id"]
                    for i in f.all("invoices")
                    if i["status"] == "Overdue" and i["account"]["segment"] == "Enterprise"
                }
            ),
        ),
        ask("active-accounts", "How many active accounts do we have?", len(active)),
        ask(
            "active-enterprise-emea",
            "How many active enterprise customers do we have in EMEA?",
            sum(a["segment"] == "Enterprise" and a["region"] == "EMEA" for a in active),
        ),
        ask(
            "accounts-per-segment", "How many accounts are there per segment?", tally(accounts, lambda a: a["segment"])
        ),
        ask("active-per-region", "Number of active customers by region", tally(active, lambda a: a["region"])),
        ask(
            "apac-countries",
            "In which countries of APAC do we have customers?",
            [[c] for c in sorted({a["country"] for a in accounts if a["region"] == "APAC"})],
        ),
        ask(
            "enterprise-swiss",
            "List the enterprise accounts in Switzerland.",
            [[a["name"]] for a in accounts if a["segment"] == "Enterprise" and a["country"] == "Switzerland"],
        ),
        ask(
            "enterprise-not-emea",
            "How many enterprise accounts are not in EMEA?",
            sum(a["segment"] == "Enterprise" and a["region"] != "EMEA" for a in accounts),
        ),
        ask(
            "industries-emea",
            "How are our EMEA accounts spread over industries?",
            tally([a for a in accounts if a["region"] == "EMEA"], lambda a: a["industry"]),
        ),
        ask("red-health", "How many active accounts have red health?", sum(a["health"] == "Red" for a in active)),
        ask(
            "health-enterprise",
            "Count the active enterprise accounts by health status",
            tally([a for a in active if a["segment"] == "Enterprise"], lambda a: a["health"]),
        ),
        ask(
            "new-2025",
            "How many accounts became customers in 2025?",
            sum(YEAR_2025.has(a["customer_since"]) for a in accounts),
        ),
        ask(
            "before-2015",
            "Which enterprise customers in AMER have been with us since before 2015?",
            [
                [a["name"]]
                for a in accounts
                if a["segment"] == "Enterprise" and a["region"] == "AMER" and a["customer_since"].year < 2015
            ],
        ),
        ask(
            "top-countries",
            "Which three countries have the most active customers?",
            top(tally(active, lambda a: a["country"]), 3),
            ordered=True,
        ),
        ask(
            "german-or-austrian",
            "How many active customers are in Germany or Austria?",
            sum(a["country"] in ("Germany", "Austria") for a in active),
        ),
        ask(
            "country-over-50",
            "Which countries have more than 50 accounts?",
            [[k] for k, n in tally(accounts, lambda a: a["country"]) if n > 50],
        ),
    ]


def _churn(f: Facts) -> list[Question]:
    accounts = f.all("accounts")
    lost = [a for a in accounts if a["status"] == "Churned"]
    return [
        ask("churned-2025", "How many customers churned in 2025?", sum(YEAR_2025.has(a["churned_on"]) for a in lost)),
        ask(
            "churned-last-quarter",
            "How many accounts did we lose last quarter, by region?",
            tally([a for a in lost if Q1_2026.has(a["churned_on"])], lambda a: a["region"]),
        ),
        ask(
            "churned-enterprise",
            "Which enterprise accounts have churned this year?",
            [[a["name"]] for a in lost if a["segment"] == "Enterprise" and YEAR_2026.has(a["churned_on"])],
        ),
        ask(
            "churn-share-segment",
            "What percentage of the accounts of each segment has churned?",
            [
                [s, round(100 * sum(r["status"] == "Churned" for r in rows) / len(rows), 4)]
                for s, rows in sorted(groups(accounts, lambda a: a["segment"]).items())
            ],
            alternatives=[
                [
                    [s, round(sum(r["status"] == "Churned" for r in rows) / len(rows), 4)]
                    for s, rows in sorted(groups(accounts, lambda a: a["segment"]).items())
                ]
            ],
        ),
        ask(
            "latest-churn",
            "Which account was the last one to churn?",
            [[max(lost, key=lambda a: a["churned_on"])["name"]]],
        ),
    ]


def _names(f: Facts) -> list[Question]:
    accounts = f.all("accounts")
    healthy = sorted(
        (a for a in accounts if a["status"] == "Active" and a["segment"] == "Enterprise"), key=lambda a: a["account_id"]
    )
    one, two, three = healthy[4], healthy[9], healthy[14]
    contacts = f.all("contacts")
    main = next(c for c in contacts if c["account_id"] == one["account_id"] and c["is_primary"])
    owned = groups([a for a in accounts if a["region"] == "APAC"], lambda a: a["owner"]["name"])
    apac_boss = next(u for u in f.all("users") if u["title"] == "Sales Manager" and u["region"] == "APAC")
    return [
        ask("primary-contact", f"Who is the primary contact of {one['name']}?", main["name"]),
        ask("owner-of", f"Who is the account owner of {two['name']}?", two["owner"]["name"]),
        ask("owns", f"Who owns {two['name']}?", two["owner"]["name"]),
        ask("segment-of", f"Which segment does {three['name']} belong to?", three["segment"]),
        ask("since-of", f"Since when has {three['name']} been our customer?", three["customer_since"]),
        ask(
            "contacts-of",
            f"List the contacts of {two['name']} with their job titles.",
            [[c["name"], c["title"]] for c in contacts if c["account_id"] == two["account_id"]],
        ),
        ask(
            "finance-managers",
            "How many contacts are Finance Managers?",
            sum(c["title"] == "Finance Manager" for c in contacts),
        ),
        ask(
            "contact-titles", "How many contacts do we have for each job title?", tally(contacts, lambda c: c["title"])
        ),
        ask(
            "accounts-per-owner-apac",
            "How many APAC accounts does each account owner look after?",
            [[k, len(v)] for k, v in sorted(owned.items())],
        ),
        ask(
            "busiest-owner",
            "Which account owner looks after the most active accounts?",
            [top(tally([a for a in accounts if a["status"] == "Active"], lambda a: a["owner"]["name"]), 1)[0][:1]],
        ),
        ask(
            "agents-emea",
            "List our support agents in EMEA.",
            [[u["name"]] for u in f.all("users") if u["title"] == "Support Agent" and u["region"] == "EMEA"],
        ),
        ask("apac-manager-mail", "What is the e-mail address of our sales manager in APAC?", apac_boss["email"]),
        ask(
            "staff-per-title",
            "How many of our people are there per title?",
            tally(f.all("users"), lambda u: u["title"]),
        ),
        ask(
            "tenure",
            "How many active accounts have been customers for more than ten years?",
            sum(
                a["status"] == "Active" and a["customer_since"] < TODAY.replace(year=TODAY.year - 10) for a in accounts
            ),
            alternatives=[
                [
                    [
                        sum(
                            a["status"] == "Active" and a["customer_since"] <= TODAY.replace(year=TODAY.year - 10)
                            for a in accounts
                        )
                    ]
                ]
            ],
        ),
    ]
