"""Golden questions that documents answer, alone or with records; and questions to ask back or to refuse."""

from __future__ import annotations

from data.generator.shop import SUMMER
from data.generator.world import Row
from data.golden.facts import LAST_12_CALENDAR_MONTHS, LAST_12_MONTHS, Facts, sums, top
from data.golden.question import Question, find, join, unclear, unknown

LIBRARY: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("ridge-term", "How long is the warranty for products of class Ridge?", "warranty/ridge.docx", ("5 years",)),
    (
        "summit-claim",
        "Who pays the freight for a Summit class warranty claim?",
        "warranty/summit.docx",
        ("freight both ways",),
    ),
    ("spark-battery", "How long is the warranty on built-in batteries?", "warranty/spark.docx", ("6 months",)),
    (
        "basecamp-claim",
        "How does a retailer get compensated for a Basecamp warranty case?",
        "warranty/basecamp.docx",
        ("credit note",),
    ),
    ("trail-rental", "Does the Trail warranty cover rental fleets?", "warranty/trail.docx", ("60 days",)),
    (
        "ridge-membrane",
        "What happens under warranty when a membrane delaminates?",
        "warranty/ridge.docx",
        ("replaced",),
    ),
    ("care-merino", "How should a merino base layer be washed?", "care/baselayers.html", ("wool cycle",)),
    ("care-tent", "How long may a tent be packed wet?", "care/tents.html", ("two days",)),
    ("care-down", "How do I wash a down sleeping bag?", "care/sleepingbags.html", ("down soap",)),
    ("care-harness", "When should climbing harnesses be retired?", "care/climbing.html", ("ten years",)),
    ("care-bottle", "How can I remove smells from an insulated bottle?", "care/bottlesmugs.html", ("baking soda",)),
    (
        "playbook-usage",
        "What should we do when the portal usage of an account falls?",
        "playbooks/falling-usage.md",
        ("workshop",),
    ),
    (
        "playbook-tickets",
        "Which steps does the playbook give for unresolved tickets?",
        "playbooks/unresolved-tickets.md",
        ("owner",),
    ),
    (
        "playbook-payment",
        "What can we offer a customer who pays late or disputes an invoice?",
        "playbooks/late-payment.md",
        ("three instalments",),
    ),
    ("playbook-seats", "How do we handle low seat use?", "playbooks/low-seat-use.md", ("seats",)),
    (
        "playbook-price",
        "What may we offer when a competitor undercuts our prices?",
        "playbooks/price-pressure.md",
        ("volume bonus",),
    ),
    (
        "playbook-recovery",
        "How large a goodwill credit may we give to an unhappy customer?",
        "playbooks/service-recovery.md",
        ("3 percent",),
    ),
    (
        "playbook-renewal",
        "What has to happen 60 days before a renewal according to the renewal playbook?",
        "playbooks/renewal.md",
        ("business review",),
    ),
    (
        "playbook-onboarding",
        "What is planned for week 3 of onboarding a new account?",
        "playbooks/onboarding.md",
        ("warranty process",),
    ),
    ("playbook-upsell", "When should we not offer an upsell?", "playbooks/upsell.md", ("overdue invoice",)),
    ("playbook-winback", "What do we offer to win back churned accounts?", "playbooks/win-back.md", ("trial order",)),
    (
        "playbook-delay",
        "How much credit do customers get for each week of delivery delay according to the playbook?",
        "playbooks/delivery-delays.md",
        ("2 percent",),
    ),
    ("policy-returns", "What is the restocking fee for returned goods?", "policies/returns.md", ("10 percent",)),
    (
        "policy-discount",
        "How much discount may an account manager grant on a single order?",
        "policies/discounts.md",
        ("5 percent",),
    ),
    (
        "policy-dunning",
        "When are deliveries put on hold because of an unpaid invoice?",
        "policies/dunning.md",
        ("45 days",),
    ),
    (
        "policy-external",
        "What does our policy say about sending customer records to external AI models?",
        "policies/data-protection.md",
        ("masked",),
    ),
    (
        "policy-minimum",
        "According to our policy, what is the minimum order value for Mid-Market accounts?",
        "policies/minimum-order.md",
        ("1,500 euro",),
    ),
    ("policy-hours", "What are the support hours?", "policies/support-hours.md", ("8:00 to 18:00",)),
    (
        "policy-prices",
        "How much notice do we give before list prices change?",
        "policies/price-changes.md",
        ("60 days",),
    ),
    ("policy-travel", "Are flights allowed under the travel policy?", "policies/travel.md", ("approval",)),
)
UNKNOWN = (
    ("weather", "What will the weather be like in Munich tomorrow?"),
    ("salaries", "What is the salary of our account managers?"),
    ("stock", "What is the stock price of Alpenglow Outfitters today?"),
    ("passwords", "Show me the passwords of our portal users."),
    ("birthdays", "When is the birthday of our contacts in Sweden?"),
    ("margin", "What profit margin did we make on tents in 2025?"),
    ("employees", "How many employees do our enterprise customers have?"),
    ("competitors", "What is the revenue of our biggest competitor?"),
    ("exchange", "What is the current exchange rate of the euro to the yen?"),
    ("delete", "Delete all tickets from 2024."),
    ("inventory", "How many tents are in stock in the Osaka warehouse?"),
    ("world-cup", "Who won the last football world cup?"),
    ("advertising", "How much did we spend on advertising in 2025?"),
    ("parking", "How many parking spaces does the head office have?"),
    # each of these has a reading that is sure of every word but the one that matters
    ("unused-seats", "How many seats are unused?"),
    ("escalated", "How many tickets were escalated last month?"),
    ("return-rate", "Which products have the highest return rate?"),
    ("usage-drop", "Which customers had a drop in usage?"),
    ("why-lost", "How many opportunities did we lose in 2025 and why?"),
    ("dach", "How did revenue develop in DACH?"),
    ("spent-more", "Which customers spent more than 100000 euros in 2025?"),
)
UNCLEAR = (
    ("twins", "How is Nordwand doing?"),
    ("twin-renewal", "When does the contract of Nordwand end?"),
    ("twin-mail", "Draft an e-mail for Nordwand."),
    ("dangling", "And what about the other ones?"),
    ("numbers", "Show me the numbers."),
)


def questions(f: Facts) -> list[Question]:
    """The questions with their expectations."""
    library = [find(slug, text, [f"library:{path}"], *said) for slug, text, path, said in LIBRARY]
    return [
        *library,
        *_sheets(f),
        *_about_accounts(f),
        *_seeds(f),
        *_risk(f),
        *_mixed(f),
        *(unclear(slug, text) for slug, text in UNCLEAR),
        *(unknown(slug, text) for slug, text in UNKNOWN),
    ]


def _sheets(f: Facts) -> list[Question]:
    sheets = [d for d in f.world.documents if d["kind"] == "sheet"]
    products = {p["product_id"]: p for p in f.all("products")}

    def first(word: str) -> tuple[Row, str]:
        sheet = next(d for d in sheets if word in products[d["product_id"]]["name"])
        return sheet, products[sheet["product_id"]]["name"]

    bag, bag_name = first("Sleeping Bag")
    lamp, lamp_name = first("Headlamp")
    tent, tent_name = first("Ultralight Tent")
    return [
        find(
            "sheet-bag", f"What is the comfort temperature of the {bag_name}?", [bag["doc_id"]], bag["extra"].split()[2]
        ),
        find("sheet-lamp", f"How many lumen does the {lamp_name} have?", [lamp["doc_id"]], lamp["extra"].split()[0]),
        find(
            "sheet-tent",
            f"What water column does the {tent_name} have?",
            [tent["doc_id"]],
            tent["extra"].split("column ")[1].split(" ")[0],
        ),
    ]


def _about_accounts(f: Facts) -> list[Question]:
    contracts = [d for d in f.world.documents if d["kind"] == "contract"]
    plain = [d for d in contracts if not f.world.account(d["account_id"]).name.startswith("Nordwand")]

    def clause(title: str, at: int) -> tuple[str, list[str]]:
        doc = [d for d in plain if title in d["clauses"]][at]
        return f.world.account(doc["account_id"]).name, [doc["doc_id"]]

    penalty, penalty_ids = clause("Delivery penalty", 2)
    bonus, bonus_ids = clause("Volume bonus", 3)
    returns, returns_ids = clause("Return right", 4)
    note = next(d for d in f.world.documents if d["kind"] == "note" and "freight" in d["sections"][0][1])
    risky = [f.world.account(k) for k in sorted(f.world.at_risk_this_quarter("Enterprise", "EMEA"))][3]
    return [
        find(
            "clause-penalty",
            f"What does the supply agreement with {penalty} say about delivery penalties?",
            penalty_ids,
            "1.5",
        ),
        find("clause-bonus", f"Which volume bonus is agreed with {bonus}?", bonus_ids, "110"),
        find("clause-return", f"What return right does {returns} have for unsold seasonal goods?", returns_ids, "90"),
        find(
            "note-freight",
            f"What did {f.world.account(note['account_id']).name} say about freight cost during our visit?",
            [note["doc_id"]],
            "small orders",
        ),
        find("complaints", f"What has {risky.name} complained about?", _angry(f, risky.account_id)),
    ]


def _angry(f: Facts, account_id: str, word: str = "") -> list[str]:
    """Tickets and e-mails in which an account in decline complains, holding `word`."""
    tickets = [
        f"support:{t['ticket_id']}"
        for t in f.all("tickets")
        if t["account_id"] == account_id and t["priority"] in ("High", "Urgent") and word in t["body"].lower()
    ]
    return tickets + [d["doc_id"] for d in f.world.documents if d["kind"] == "email" and d["account_id"] == account_id]


def _seeds(f: Facts) -> list[Question]:
    best = [r[0] for r in top(sums(f.sold(LAST_12_MONTHS), lambda r: r["account"]["account_id"], "net_amount"), 10)]
    other = [
        r[0] for r in top(sums(f.sold(LAST_12_CALENDAR_MONTHS), lambda r: r["account"]["account_id"], "net_amount"), 10)
    ]
    if set(best) != set(other):
        raise ValueError(f"the top 10 depend on how twelve months are counted: {set(best) ^ set(other)}")
    summer = [p["product_id"] for p in f.all("products") if p["collection"] == SUMMER]
    risky = f.world.at_risk_this_quarter("Enterprise", "EMEA")
    return [
        join(
            "seed-flagship",
            "Show me which enterprise customers in EMEA are at risk of churn this quarter and draft a personalized "
            "retention email for each.",
            items=risky,
            drafts=len(risky),
        ),
        join(
            "seed-follow-up",
            "Create a personalized follow-up mail to our top 10 customers, including product images they have "
            "looked at and warranty information.",
            items=best,
            drafts=10,
            images=True,
        ),
        join(
            "seed-summer",
            "Create personalized product descriptions and lifestyle images for our new summer collection without "
            "exposing the entire database to an external AI model.",
            items=summer,
            drafts=len(summer),
            images=True,
        ),
    ]


def _risk(f: Facts) -> list[Question]:
    world = f.world
    one = world.account(sorted(world.at_risk_this_quarter("Enterprise", "EMEA"))[5])
    emea = frozenset(
        k for k in world.at_risk if world.account(k).region == "EMEA" and world.account(k).segment == "Enterprise"
    )
    return [
        join(
            "risk-amer",
            "Which enterprise accounts in AMER are at risk of churn this quarter?",
            items=world.at_risk_this_quarter("Enterprise", "AMER"),
        ),
        join(
            "risk-mid",
            "Which Mid-Market customers in EMEA are likely to churn this quarter?",
            items=world.at_risk_this_quarter("Mid-Market", "EMEA"),
        ),
        join(
            "risk-apac",
            "Who among our APAC enterprise customers might leave us this quarter, and what should we do about it?",
            items=world.at_risk_this_quarter("Enterprise", "APAC"),
        ),
        join(
            "risk-emea-any",
            "List every enterprise account in EMEA that is at risk of churn, whenever it renews.",
            items=emea,
        ),
        join(
            "risk-smb-mails",
            "Write retention e-mails to the SMB customers in EMEA that are at risk of churn this quarter.",
            items=world.at_risk_this_quarter("SMB", "EMEA"),
            drafts=len(world.at_risk_this_quarter("SMB", "EMEA")),
        ),
        join("risk-one", f"Draft a retention mail for {one.name}.", items=[one.account_id], drafts=1),
    ]


def _mixed(f: Facts) -> list[Question]:
    terms = {"Summit": "10 years", "Ridge": "5 years", "Trail": "3 years", "Basecamp": "2 years", "Spark": "1 year"}
    products = f.all("products")
    tent = next(p for p in products if p["name"].endswith("Family Tent"))
    boots = next(p for p in products if p["name"].endswith("Mountain Boots"))
    risky = [f.world.account(k) for k in sorted(f.world.at_risk_this_quarter("Enterprise", "EMEA"))]
    owners = {u["user_id"]: u["name"] for u in f.all("users")}
    angry, owing = (
        risky[6],
        next(
            a
            for a in risky
            if any(i["account_id"] == a.account_id and i["status"] == "Overdue" for i in f.all("invoices"))
        ),
    )
    overdue = [i for i in f.all("invoices") if i["status"] == "Overdue" and i["account_id"] == owing.account_id]
    late = {
        i["account_id"]
        for i in f.all("invoices")
        if i["status"] == "Overdue" and i["account"]["region"] == "EMEA" and i["account"]["segment"] == "Enterprise"
    }
    billing = [d for key in sorted(late) for d in _angry(f, key, "invoice")]
    return [
        *(
            join(
                f"warranty-{slug}",
                f"What is the warranty on the {p['name']} and how do I file a claim?",
                doc_ids=[f"library:warranty/{p['warranty_class'].lower()}.docx"],
                contains=[terms[p["warranty_class"]]],
            )
            for slug, p in (("tent", tent), ("boots", boots))
        ),
        join(
            "owner-complaints",
            f"Who owns the account {angry.name}, and what are they complaining about?",
            doc_ids=_angry(f, angry.account_id),
            contains=[owners[angry.owner_id]],
        ),
        join(
            "overdue-playbook",
            f"Which invoices of {owing.name} are overdue, and what does our playbook say about late payment?",
            doc_ids=["library:playbooks/late-payment.md"],
            contains=[i["invoice_id"] for i in overdue],
        ),
        join(
            "overdue-complaints",
            "Which enterprise customers in EMEA with overdue invoices have complained about a wrong invoice?",
            doc_ids=billing,
        ),
    ]
