"""Other ways to ask the four seed questions, and other populations, periods and products for them, each with what the
truth gives. They are scored apart from the golden questions: `tower eval HOME/sample/variations.jsonl`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from data.generator.clock import TODAY, quarter_end
from data.generator.shop import SUMMER
from data.generator.world import Row
from data.golden.facts import (
    LAST_12_MONTHS,
    Q1_2025,
    Q1_2026,
    Q3_2026,
    YEAR_2025,
    Facts,
    Period,
    month,
    sums,
    top,
)
from data.golden.question import Question, ask, join

Keep = Callable[[Row], bool]


def questions(f: Facts) -> list[Question]:
    """The variations with their expectations."""
    return [*_risks(f), *_trends(f), *_follow_ups(f), *_summer(f)]


def _risks(f: Facts) -> list[Question]:
    """The flagship: at risk of churn, with and without letters."""

    def now(segment: str | None = None, region: str | None = None) -> frozenset[str]:
        return f.world.at_risk_this_quarter(segment, region)

    def risky(segment: str, region: str, country: str = "") -> frozenset[str]:
        held = (f.world.account(key) for key in f.world.at_risk)
        return frozenset(a.account_id for a in held
                         if (a.segment, a.region) == (segment, region) and country in ("", a.country))  # fmt: skip

    def letters(slug: str, question: str, items: frozenset[str]) -> Question:
        return join(slug, question, items=items, drafts=len(items))

    ours = now("Enterprise", "EMEA")
    country = f.world.account(sorted(ours)[0]).country
    later = frozenset(k for k in risky("Enterprise", "EMEA") if Q3_2026.has(f.world.account(k).next_renewal))
    assert quarter_end(TODAY) < Q3_2026.first
    plain = [
        ("risk-plain", "Which enterprise customers in EMEA are at risk of churn this quarter?", ours),
        ("risk-synonyms",
         "List the large accounts in Europe, Middle East and Africa that might churn this quarter.", ours),
        ("risk-leave", "Which of our enterprise clients in EMEA are likely to leave us this quarter?", ours),
        ("risk-all-enterprise", "Which enterprise customers are at risk of churn this quarter?", now("Enterprise")),
        ("risk-all-emea", "Which customers in EMEA are at risk of churn this quarter?", now(None, "EMEA")),
        ("risk-everybody", "Show me every customer at risk of churn this quarter", now()),
        ("risk-mid-emea", "Show me which mid-market customers in EMEA are at risk of churn this quarter",
         now("Mid-Market", "EMEA")),
        ("risk-country", f"Which enterprise customers in {country} are at risk of churn?",
         risky("Enterprise", "EMEA", country)),
        ("risk-danger", "Show me the enterprise customers in EMEA in danger of leaving this quarter.", ours),
        ("risk-mid-amer",
         "Which Mid-Market accounts in AMER are at risk of churn this quarter?", now("Mid-Market", "AMER")),
        ("risk-smb-emea", "Who of our SMB customers in EMEA is at risk of churn this quarter?", now("SMB", "EMEA")),
        ("risk-steps",
         "Which enterprise accounts in AMER are at risk of churn this quarter, and what should we do about "
         "each?", now("Enterprise", "AMER")),
    ]  # fmt: skip
    drafted = [
        ("risk-two-sentences",
         "Which enterprise customers in EMEA are at risk of churn this quarter? Draft a retention "
         "e-mail for each.", ours),
        ("risk-mails-first",
         "Draft a personalized retention email for every enterprise customer in EMEA who is at risk of "
         "churn this quarter.", ours),
        ("risk-letters-apac",
         "Write a retention letter to each enterprise customer in APAC that is at risk of churn this "
         "quarter.", now("Enterprise", "APAC")),
        ("risk-write-amer",
         "For each enterprise account in AMER at risk of churn this quarter, write a retention e-mail.",
         now("Enterprise", "AMER")),
        ("risk-compose-smb", "Show me which SMB customers in AMER are at risk of churn this quarter and compose a "
         "personalised retention mail for each of them.", now("SMB", "AMER")),
    ]  # fmt: skip
    found = [join(slug, question, items=items) for slug, question, items in plain if items]
    found += [letters(slug, question, items) for slug, question, items in drafted if items]
    if later:
        found.append(join("risk-next-quarter", "Which enterprise customers in EMEA are at risk of churn next quarter?",
                          items=later))  # fmt: skip
    return found


def _series(f: Facts, period: Period, keep: Keep) -> list[list[float]]:
    rows = f.sold(period, keep)
    return [[value] for _, value in sums(rows, lambda r: month(r["order"]["order_date"]), "net_amount")]


def _trends(f: Facts) -> list[Question]:
    """Sales over time, drawn."""

    def of(region: str) -> Keep:
        return lambda r: bool(r["account"]["region"] == region)

    cases: list[tuple[str, str, Period, Keep]] = [
        ("trend-apac",
         "Summarize the sales trends of last quarter in the APAC region and create a corresponding chart.",
         Q1_2026, of("APAC")),
        ("trend-amer", "Summarize the sales trends of last quarter in AMER and create a chart.", Q1_2026, of("AMER")),
        ("trend-how", "How did sales in the EMEA region develop last quarter? Show a chart.", Q1_2026, of("EMEA")),
        ("trend-describe", "Describe the revenue trend in EMEA last quarter with a chart.", Q1_2026, of("EMEA")),
        ("trend-year-ago",
         "Summarize the sales trends of Q1 2025 in the EMEA region and create a chart.", Q1_2025, of("EMEA")),
        ("trend-latam",
         "Summarize the sales trends of last quarter in the LATAM region and create a corresponding chart.",
         Q1_2026, of("LATAM")),
        ("trend-line", "Summarize the revenue trend of last quarter in APAC as a line chart.", Q1_2026, of("APAC")),
        ("trend-jackets", "Summarize the sales trend of jackets in 2025 with a chart.", YEAR_2025,
         lambda r: bool(r["product"]["category"] == "Jackets")),
        ("trend-year", "Summarize the sales trend of 2025 in LATAM and draw a chart.", YEAR_2025, of("LATAM")),
        ("trend-country", "Summarize the revenue trend of 2025 in Germany and create a chart.", YEAR_2025,
         lambda r: bool(r["account"]["country"] == "Germany")),
        ("trend-segment", "Summarize the sales trend of enterprise customers in 2025 and create a chart.", YEAR_2025,
         lambda r: bool(r["account"]["segment"] == "Enterprise")),
        ("trend-category", "Summarize the sales trend of tents in 2025 and create a chart.", YEAR_2025,
         lambda r: bool(r["product"]["category"] == "Tents")),
    ]  # fmt: skip
    return [
        ask(slug, question, _series(f, period, keep), ordered=True, chart=True)
        for slug, question, period, keep in cases
    ]


def _best(f: Facts, count: int, keep: Keep = lambda r: True) -> list[str]:
    return [
        r[0] for r in top(sums(f.sold(LAST_12_MONTHS, keep), lambda r: r["account"]["account_id"], "net_amount"), count)
    ]


def _follow_ups(f: Facts) -> list[Question]:
    """Follow-up letters with pictures and terms."""
    emea: Keep = lambda r: bool(r["account"]["region"] == "EMEA")  # noqa: E731
    cases: list[tuple[str, str, Iterable[str], bool]] = [
        ("mail-five", "Create a personalized follow-up mail to our top 5 customers, including product images they have "
         "looked at.", _best(f, 5), True),
        ("mail-warranty",
         "Write a follow-up e-mail to our top 3 customers with warranty information.", _best(f, 3), False),
        ("mail-best",
         "Draft a personalized follow-up mail for our ten best customers, including pictures of products they "
         "have looked at and warranty terms.", _best(f, 10), True),
        ("mail-emea",
         "Create a follow-up mail to our top 5 customers in EMEA including product images.", _best(f, 5, emea),
         True),
        ("mail-two", "Write a personalised follow-up mail to our top 2 customers including product images and warranty "
         "information.", _best(f, 2), True),
        ("mail-apac", "Create a follow-up mail to our top 3 customers in APAC.",
         _best(f, 3, lambda r: bool(r["account"]["region"] == "APAC")), False),
        ("mail-biggest",
         "Prepare a personalised follow-up e-mail for our biggest 4 customers, including product images and "
         "warranty information.", _best(f, 4), True),
    ]  # fmt: skip
    found = []
    for slug, question, items, images in cases:
        keys = list(items)
        found.append(join(slug, question, items=keys, drafts=len(keys), **_pictured(images)))
    one = f.world.account(_best(f, 1)[0])
    found.append(join("mail-one", f"Write a follow-up mail to {one.name} including product images.",
                      items=[one.account_id], drafts=1))  # fmt: skip
    return found


def _pictured(images: bool) -> dict[str, Any]:
    return {"images": True} if images else {}


def _summer(f: Facts) -> list[Question]:
    """Texts and pictures for the new collection."""
    summer = [p for p in f.all("products") if p["collection"] == SUMMER]
    everything = [p["product_id"] for p in summer]
    category = sorted({p["category"] for p in summer})[0]
    some = [p["product_id"] for p in summer if p["category"] == category]
    cases: list[tuple[str, str, list[str], bool]] = [
        ("summer-texts", "Create product descriptions for our new summer collection.", everything, False),
        ("summer-named", f"Write product descriptions for the {SUMMER} collection.", everything, False),
        ("summer-both",
         f"Create product descriptions and lifestyle images for the {SUMMER} collection.", everything, True),
        ("summer-safe",
         "Generate personalized product descriptions and lifestyle images for the summer collection without "
         "sending our database to an external AI.", everything, True),
        ("summer-category",
         f"Create product descriptions for the {category.lower()} of the {SUMMER} collection.", some, False),
    ]  # fmt: skip
    return [
        join(slug, question, items=items, drafts=len(items), **_pictured(images))
        for slug, question, items, images in cases
    ]
