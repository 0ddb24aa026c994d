from __future__ import annotations

import pytest

from index.catalogue.model import Catalogue, Column, Entity, Metric, Score, Table
from query.planning.intent import read_intent

CATALOGUE = Catalogue(
    tables=(Table("accounts", "account", (), synonyms=("customer",)), Table("products", "product", ())),
    entities=(
        Entity("account", "accounts", "account_id", "name", ("customer",)),
        Entity("product", "products", "product_id", "name"),
    ),
    scores=(
        Score("churn_risk", "Churn risk", "account", "", "", (), synonyms=("at risk of churn", "likely to leave")),
    ),
)


def test_a_retention_mail_for_each_leaves_the_question_about_whom() -> None:
    intent = read_intent(
        "Show me which enterprise customers in EMEA are at risk of churn this quarter "
        "and draft a personalized retention email for each.",
        CATALOGUE,
    )
    assert intent.draft == "retention"
    assert intent.score is not None and intent.score.name == "churn_risk"
    assert intent.body == "Show me which enterprise customers in EMEA this quarter"


def test_a_mail_that_names_its_recipients_is_about_them() -> None:
    intent = read_intent(
        "Create a personalized follow-up mail to our top 10 customers, including product images they have looked at "
        "and warranty information.",
        CATALOGUE,
    )
    assert (intent.draft, intent.draft_entity, intent.body) == ("follow_up", "account", "our top 10 customers")
    assert intent.pictures
    assert intent.topics == ("warranty",)


def test_descriptions_belong_to_the_entity_they_describe() -> None:
    intent = read_intent(
        "Create personalized product descriptions and lifestyle images for our new summer collection without exposing "
        "the entire database to an external AI model.",
        CATALOGUE,
    )
    assert (intent.draft, intent.draft_entity) == ("product_description", "product")
    assert intent.body == "our new summer collection"
    assert intent.lifestyle


@pytest.mark.parametrize(
    ("question", "body"),
    [
        ("Show a bar chart of orders per region", "orders per region"),
        ("Plot revenue by month in 2025", "show revenue by month in 2025"),
        ("Revenue by month and create a corresponding chart.", "Revenue by month"),
    ],
)
def test_a_chart_is_taken_out_of_the_question(question: str, body: str) -> None:
    intent = read_intent(question, CATALOGUE)
    assert intent.chart
    assert intent.body == body


def test_what_was_said_is_kept_apart_from_who_said_it() -> None:
    intent = read_intent("Which customers with overdue invoices complained about late deliveries?", CATALOGUE)
    assert intent.said == "late deliveries"
    assert intent.said_subject == "Which customers with overdue invoices"


def test_a_plain_question_is_left_alone() -> None:
    intent = read_intent("How many accounts are there in France?", CATALOGUE)
    assert intent.body == "How many accounts are there in France?"
    assert (intent.draft, intent.chart, intent.score, intent.said) == (None, False, None, "")


def test_who_does_something_is_who_the_catalogue_names_for_it() -> None:
    owner = Column("owner_id", "text", "Owner", role="reference")
    manager = Column("boss", "text", "Boss", synonyms=("account manager",), role="reference")
    catalogue = Catalogue((Table("accounts", "Accounts", (owner, manager)),))
    assert read_intent("Who owns Fjellpunkt AS?", catalogue).body == "Who is the owner of Fjellpunkt AS?"
    assert read_intent("who manages the accounts", catalogue).body == "Who is the manager of the accounts"
    assert read_intent("Who pays the invoices?", catalogue).body == "Who pays the invoices?"
    assert read_intent("Which accounts does Ines own?", catalogue).body == "Which accounts does Ines own?"


def test_a_list_by_a_measure_is_the_measure_of_each() -> None:
    table = Table("accounts", "Accounts", (Column("id", "text", "Id"),), synonyms=("customers",))
    revenue = Metric("revenue", "Revenue", "accounts", "SUM(amount)", synonyms=("sales",))
    catalogue = Catalogue((table,), metrics=(revenue,), entities=(Entity("account", "accounts", "id", "id"),))
    assert read_intent("List customers by revenue", catalogue).body == "revenue per account"
    assert read_intent("Rank all our accounts by sales.", catalogue).body == "sales per account"
    assert read_intent("List customers by country", catalogue).body == "List customers by country"
    assert read_intent("Show revenue by country", catalogue).body == "Show revenue by country"
