"""Two hundred planted faults in answers and drafts of the small company, and none found in what was not touched."""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from index.scope import Scope
from query.answer import Answer, CitationView, DraftView
from query.drafts.lint import DraftLinter, citation_of
from query.drafts.owners import Owners
from query.engine import QueryEngine
from query.names import NameDictionary
from query.proof.text_check import Finding, TextCheck, is_written, links, segments
from tests.query import company, office

QUESTIONS = (
    "Which customers are at risk of churn and draft a retention email for each",
    "Prepare a follow-up email for Nordwand Handels GmbH",
    "Prepare a follow-up email for Fjellpunkt AS",
    "Write a product description for the Cirrus Tent",
    "How many accounts are there?",
    "Tell me about Nordwand Handels GmbH",
)
NAMES = NameDictionary(row[1] for row in company.ACCOUNTS)
PEOPLE = ("Lena Vogt", "Ola Berg", "Maya Stone", "Ines Haller", "Tom Reyes")
WANTED, ROUNDS = 200, 2


@dataclass
class Office:
    """The small company with its answers, and a way to change a row behind them."""

    engine: QueryEngine
    scope: Scope
    answers: list[Answer]

    def linter(self) -> DraftLinter:
        return DraftLinter(self.engine.parts, self.scope)


def opened(*questions: str) -> Office:
    engine, scope = office.engine(), office.administrator()
    return Office(engine, scope, [engine.answer(question, scope) for question in questions])


@pytest.fixture(scope="module")
def at_work() -> Office:
    return opened(*QUESTIONS)


def check_answer(answer: Answer) -> tuple[Finding, ...]:
    names = NameDictionary([*(row[1] for row in company.ACCOUNTS), *PEOPLE, "Cirrus Tent", "Larch Boot"])
    cited = {view.n: citation_of(view) for view in answer.citations}
    labels = [fact.label for entity in company.CATALOGUE.entities for fact in entity.facts]
    return TextCheck(cited, names, own=names.find(answer.question), stated=labels).body(answer.answer)


def test_what_nobody_touched_has_no_finding(at_work: Office) -> None:
    drafts = [draft for answer in at_work.answers for draft in answer.drafts]
    assert len(drafts) >= 5 and all(draft.citations for draft in drafts)
    assert [at_work.linter().findings(draft, proposed=draft.body) for draft in drafts] == [()] * len(drafts)
    assert [check_answer(answer) for answer in at_work.answers] == [()] * len(at_work.answers)


# --- faults in the words ---------------------------------------------------------------------------------------------

Text = DraftView | Answer


def body_of(text: Text) -> str:
    return text.body if isinstance(text, DraftView) else text.answer


def with_body(text: Text, body: str) -> Text:
    made = copy.deepcopy(text)
    setattr(made, "body" if isinstance(made, DraftView) else "answer", body)
    return made


def wrong_numbers(text: Text, rng: random.Random) -> Iterator[Text]:
    """A digit of a figure or a date that the text writes becomes another one."""
    body = body_of(text)
    marks = [match.span() for match in re.finditer(r"\[\d+\]", body)]
    digits = [m.start() for m in re.finditer(r"\d", body) if not any(start <= m.start() < end for start, end in marks)]
    for at in rng.sample(digits, min(len(digits), 4)):
        other = rng.choice([d for d in "123456789" if d != body[at]])
        yield with_body(text, body[:at] + other + body[at + 1 :])


def wrong_names(text: Text, rng: random.Random) -> Iterator[Text]:
    """A name that the text writes becomes the name of somebody else."""
    body = body_of(text)
    pools = ([row[1] for row in company.ACCOUNTS], list(PEOPLE), ["Lena", "Maya", "Ola"], ["Cirrus Tent", "Larch Boot"])
    for pool in pools:
        for name in pool:
            if re.search(rf"\b{name}\b", body) and (others := [o for o in pool if o != name and o not in body]):
                yield with_body(text, re.sub(rf"\b{name}\b", rng.choice(others), body, count=1))


def swapped_citations(text: Text, rng: random.Random) -> Iterator[Text]:
    """Two citations change places, where that makes a difference to the text."""
    cited = {view.n: view for view in text.citations}
    body = body_of(text)
    where = {n: segment for segment, marks in segments(body) for n in marks}
    pairs = [
        (one, other) for one in where for other in where
        if one < other and not is_written(citation_of(cited[other]), " ".join(where[one].split()))
    ]  # fmt: skip
    for one, other in rng.sample(pairs, min(len(pairs), 4)):
        made = copy.deepcopy(text)
        held = {view.n: view for view in made.citations}
        held[one].n, held[other].n = other, one
        yield made


def foreign_links(text: Text, rng: random.Random) -> Iterator[Text]:
    """A link is put somewhere into the text."""
    planted = (
        "[here](https://evil.example/a)", "https://evil.example", "www.evil.example/x", "<https://evil.example>",
        "![p](http://evil.example/p.png)", '<a href="//evil.example">x</a>', "[x](javascript:alert)",
        "data:text/html;base64,AAAA", "bill@evil.example", "evil-portal.com/login", "[x][evil]", "//evil.example/x",
    )  # fmt: skip
    for link in rng.sample(planted, 3):
        body = body_of(text)
        words = [m.start() for m in re.finditer(r"(?<=\w) (?=\w)", body)]
        at = rng.choice(words)
        yield with_body(text, f"{body[:at]} {link}{body[at:]}")


def other_accounts(text: Text, rng: random.Random) -> Iterator[Text]:
    """A sentence about another account is put in."""
    mine = text.key if isinstance(text, DraftView) else ""
    for key, name, *_ in rng.sample(company.ACCOUNTS, 2):
        if key != mine and name not in body_of(text):
            yield with_body(text, body_of(text) + f"\n\nOther customers such as {name} did the same.")


PLANTERS: dict[str, Callable[[Text, random.Random], Iterator[Text]]] = {
    "wrong number": wrong_numbers, "wrong name": wrong_names, "swapped citation": swapped_citations,
    "foreign link": foreign_links, "another account": other_accounts,
}  # fmt: skip


def test_every_planted_fault_is_found(at_work: Office) -> None:
    rng = random.Random(20)
    texts: list[Text] = [*at_work.answers, *(draft for answer in at_work.answers for draft in answer.drafts)]
    linter = at_work.linter()
    planted: dict[str, int] = dict.fromkeys(PLANTERS, 0)
    missed = []
    for text in (text for _ in range(ROUNDS) for text in texts):
        for kind, plant in PLANTERS.items():
            for faulty in plant(text, rng):
                planted[kind] += 1
                found = linter.findings(faulty) if isinstance(faulty, DraftView) else check_answer(faulty)
                if not found:
                    missed.append((kind, body_of(faulty)))
    assert missed == []
    assert sum(planted.values()) >= WANTED and min(planted.values()) >= 10, planted


# --- faults in the data ----------------------------------------------------------------------------------------------

CHANGES = (
    "UPDATE accounts SET contact_name = 'New Buyer', contact_email = 'new@nordwand.example' WHERE account_id = 'A1'",
    "UPDATE renewals SET renewal_date = '2026-07-31' WHERE account_id = 'A1'",
    "UPDATE usage SET logins = logins + 1 WHERE account_id = 'A1'",
    "DELETE FROM usage WHERE account_id = 'A1'",
    "UPDATE accounts SET owner_name = 'Somebody Else' WHERE account_id = 'A1'",
    "UPDATE accounts SET contact_email = 'lena@elsewhere.example' WHERE account_id = 'A1'",
)


@pytest.mark.parametrize("change", CHANGES)
def test_a_row_that_has_changed_since_blocks_the_draft(change: str) -> None:
    at_work = opened(QUESTIONS[0])
    draft = next(d for d in at_work.answers[0].drafts if d.key == "A1")
    assert at_work.linter().findings(draft) == ()
    at_work.engine.parts.reader.connection.execute(change)  # type: ignore[attr-defined]
    found = at_work.linter().findings(draft)
    assert {"stale", "wrong_recipient", "wrong_sender"} & {finding.code for finding in found}


def test_a_citation_of_another_account_is_foreign(at_work: Office) -> None:
    draft = next(d for d in at_work.answers[0].drafts if d.key == "A1")
    other = next(d for d in at_work.answers[0].drafts if d.key == "A3")
    for view in other.citations:
        taken = draft.model_copy(deep=True)
        taken.citations[0] = view.model_copy(update={"n": 1})
        codes = {finding.code for finding in at_work.linter().findings(taken)}
        if view.kind in ("cell", "aggregate") and view.table != "products":
            assert "foreign_fact" in codes, view


@pytest.mark.parametrize(
    ("fields", "foreign"),
    [
        ({"kind": "cell", "table": "tickets", "key": "T1", "column": "subject"}, False),
        ({"kind": "cell", "table": "tickets", "key": "T3", "column": "subject"}, True),
        ({"kind": "row", "table": "renewals", "key": "R2"}, True),
        ({"kind": "cell", "table": "accounts", "key": "A2", "column": "seats"}, True),
        ({"kind": "cell", "table": "products", "key": "SKU-1", "column": "product_name"}, False),
        ({"kind": "aggregate", "sql": "SELECT SUM(logins) AS n FROM usage WHERE account_id = 'A1'"}, False),
        ({"kind": "aggregate", "sql": "SELECT SUM(logins) AS n FROM usage WHERE account_id = 'A2'"}, True),
        ({"kind": "aggregate", "sql": "SELECT SUM(logins) AS n FROM usage"}, True),
        ({"kind": "aggregate", "sql": "SELECT COUNT(*) AS n FROM products"}, False),
        ({"kind": "passage", "doc_id": "library:playbooks/retention.md"}, False),
        ({"kind": "score", "table": "churn_risk", "key": "A2"}, True),
    ],
)
def test_whose_a_citation_is(at_work: Office, fields: dict[str, Any], foreign: bool) -> None:
    parts = at_work.engine.parts
    entity = parts.catalogue.entity("account")
    assert entity is not None
    owners = Owners(parts.catalogue, parts.reader, at_work.scope, parts.documents, entity, "A1")
    assert owners.foreign(citation_of(CitationView(n=1, source="x", **fields))) is foreign


# --- what an editor may and may not do -------------------------------------------------------------------------------

EDITS = [
    ("I look forward to hearing from you.", ""),
    ("We will do our best to be quicker.", ""),
    ("We guarantee delivery.", "unproven_claim"),
    ("Your next order is free of charge.", "unproven_claim"),
    ("Wir versprechen Ihnen einen Rabatt.", "unproven_claim"),
    ("You get twenty percent more.", "unproven_figure"),
    ("Prices rise by €5.", "unproven_figure"),
    ("Let us meet in October.", "unproven_figure"),
    ("Dear {{contact.name}}", "placeholder"),
    ("It is signed by Tom Reyes\u200b.", "invisible"),
    ("See [99] for more.", "unknown_citation"),
]


@pytest.mark.parametrize(("sentence", "code"), EDITS)
def test_what_an_edit_brings_in(at_work: Office, sentence: str, code: str) -> None:
    draft = next(d for d in at_work.answers[0].drafts if d.key == "A1")
    edited = draft.model_copy(update={"body": f"{draft.body}\n\n{sentence}"})
    codes = {finding.code for finding in at_work.linter().findings(edited, proposed=draft.body)}
    assert codes == set() if not code else code in codes


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"subject": "Hello\r\nBcc: all@evil.example"}, "header_injection"),
        ({"to": "Lena Vogt <lena@evil.example>"}, "wrong_recipient"),
        ({"sender": "Ines Haller <ceo@testwerk.example>"}, "wrong_sender"),
        ({"body": " "}, "empty"),
        ({"to": ""}, "no_recipient"),
        ({"entity": "planet"}, "unknown_entity"),
    ],
)
def test_what_a_letter_must_have(at_work: Office, change: dict[str, Any], code: str) -> None:
    draft = next(d for d in at_work.answers[0].drafts if d.key == "A1")
    found = at_work.linter().findings(draft.model_copy(update=change), to_export=True)
    assert code in {finding.code for finding in found}


def test_a_greeting_to_somebody_else_is_found_without_a_mark(at_work: Office) -> None:
    draft = next(d for d in at_work.answers[0].drafts if d.key == "A1")
    body = draft.body.replace("Dear Lena, [1]", "Dear Anna,")
    assert "wrong_name" in {f.code for f in at_work.linter().findings(draft.model_copy(update={"body": body}))}
    body = draft.body.replace("Dear Lena, [1]", "Dear Ms Vogt,")
    assert at_work.linter().findings(draft.model_copy(update={"body": body})) == ()


def test_links_are_found_and_words_are_not() -> None:
    for text in ("e.g. this", "z.B. das", "at 9.30", "version 2.0", "Sp. z o.o.", "end.Start", "1.5 kg", "Mr.Smith"):
        assert links(text) == () or text in ("end.Start", "Mr.Smith")
    for text in ("see evil.com", "HTTPS://X.Y", "mailto:a@b.co", "[a](b)", "<img src=x>", "xn--abc.example"):
        assert links(text), text


def test_german_amounts_and_dates_are_read() -> None:
    cited = [
        CitationView(n=1, kind="cell", source="crm", table="t", key="k", column="c", value=1234.5),
        CitationView(n=2, kind="cell", source="crm", table="t", key="k", column="d", value="2026-06-30"),
        CitationView(n=3, kind="cell", source="crm", table="t", key="k", column="e", value=12),
    ]
    check = TextCheck({view.n: citation_of(view) for view in cited}, language="de")
    good = "Es sind 1.234,50\u00a0€, fällig am 30. Juni 2026, mit 12\u00a0% Rabatt. [1][2][3]"
    assert check.body(good) == ()
    for wrong in (("1.234,50", "1.243,50"), ("30. Juni", "30. Juli"), ("12", "21"), ("2026", "2027")):
        assert check.body(good.replace(*wrong)), wrong
    assert replace(check, language="en").body(good)
