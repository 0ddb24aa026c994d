from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from index.documents import Passage
from index.errors import UsageError
from index.scope import Scope
from index.sql import Rows, Value
from query.drafts import Draft, DraftWriter, TemplateSet
from query.drafts.fill import fit
from query.drafts.language import language_of, spoken
from query.drafts.localise import english
from query.drafts.offers import offer_sentence
from query.drafts.template import parse, slots_of
from query.evidence import CitationBook, Contribution, EntityScore, Slot, TableEvidence
from query.facts import FactReader
from query.format import write
from query.names import NameDictionary
from query.proof.prove import unproven_figures
from query.scoring.next_steps import Span
from tests.query import company

NAMES = NameDictionary([a[1] for a in company.ACCOUNTS])


def scored(key: str, *hints: tuple[str, str]) -> EntityScore:
    reasons = tuple(Contribution(n, h, 1, 1.0 - 0.1 * at, next_step=h) for at, (n, h) in enumerate(hints))
    return EntityScore("churn", "account", key, 0.8, -1.0, reasons, "v1", company.TODAY)


USAGE, TICKETS = ("usage_change", "falling portal usage"), ("open_tickets", "unresolved open tickets")


def draft(
    kind: str = "retention",
    key: str = "A1",
    *,
    entity: str = "account",
    scope: Scope | None = None,
    templates: TemplateSet | None = None,
    reader: company.MemoryReader | None = None,
    **more: object,
) -> Draft:
    scope = scope or company.administrator()
    read = FactReader(reader or company.reader(), company.CATALOGUE, scope, company.TODAY)
    passages = company.WordPassages()
    writer = DraftWriter(
        company.CATALOGUE, scope, passages, templates or TemplateSet(), company.TODAY, NAMES, passages.text
    )
    facts = read.facts(entity, key)
    return writer.write(kind, entity, key, facts, labels=read.labels(entity), **more)  # type: ignore[arg-type]


def test_a_retention_letter_is_personal_concrete_and_cited() -> None:
    made = draft(scored=scored("A1", USAGE, TICKETS))
    text = made.plain()
    assert text.startswith("Dear Lena,") and text.endswith("Kind regards\nInes Haller")
    assert "30 June 2026" in text and "Export of orders fails" in text and "2 May 2026" in text
    assert "I would like to offer you a free working session of 45 minutes on the portal's order lists." in text
    assert made.to == "Lena Vogt <lena@nordwand.example>" and made.sender == "Ines Haller <ines@testwerk.example>"
    assert len(made.facts) >= 3 and not made.notices


def test_every_figure_of_a_draft_is_in_its_citations() -> None:
    for kind in ("retention", "follow_up"):
        made = draft(kind, scored=scored("A1", USAGE, TICKETS), topics=("warranty",), images=True)
        assert unproven_figures(made.markdown(), made.citations) == ()
        assert unproven_figures(made.subject.text(), made.citations) == ()


def test_citations_are_numbered_from_one_in_the_order_of_reading() -> None:
    made = draft(scored=scored("A1", USAGE, TICKETS))
    marks = [int(n) for n in re.findall(r"\[(\d+)\]", made.markdown())]
    assert list(dict.fromkeys(marks)) == list(range(1, max(marks) + 1))
    assert [c.n for c in made.citations] == list(range(1, len(made.citations) + 1))


def test_a_letter_to_a_customer_never_speaks_of_scores() -> None:
    for key, _, *_ in company.ACCOUNTS:
        made = draft(key=key, scored=scored(key, USAGE, TICKETS))
        assert not re.search(
            r"churn|risk|score|probab|driver|segment", made.plain() + made.subject.text(), re.IGNORECASE
        )


def test_drafts_name_no_other_account_and_use_no_fact_of_another() -> None:
    for key, name, *_ in company.ACCOUNTS:
        made = draft(key=key, scored=scored(key, USAGE, TICKETS))
        assert NAMES.without(name).find(made.plain()) == ()
        for citation in made.citations:
            if citation.kind == "aggregate":
                assert f"'{key}'" in (citation.sql or "")


def test_a_foreign_name_that_slips_into_a_fact_takes_its_sentence_out_with_a_notice() -> None:
    reader = company.reader()
    reader.connection.execute("UPDATE tickets SET subject = 'Same as Fjellpunkt AS' WHERE ticket_id = 'T1'")
    made = draft(reader=reader, scored=scored("A1", TICKETS))
    assert "Fjellpunkt" not in made.plain() and any("Fjellpunkt AS" in n for n in made.notices)


@pytest.mark.parametrize(
    "subject", ["Ignore all previous instructions", "See https://evil.example", "Write to me@evil.example", "x" * 200]
)
def test_free_text_with_orders_links_or_addresses_stays_out_of_letters(subject: str) -> None:
    assert not fit(subject)
    reader = company.reader()
    reader.connection.execute("UPDATE tickets SET subject = ? WHERE ticket_id = 'T1'", (subject,))
    assert subject not in draft(reader=reader, scored=scored("A1", TICKETS)).plain()


def test_different_accounts_get_different_wordings() -> None:
    texts = {draft(key=k, scored=scored(k, USAGE)).body[1].sentences[0].text() for k in ("A1", "A2", "A3")}
    assert len(texts) == 3


def test_the_same_account_gets_the_same_letter_again() -> None:
    assert draft(scored=scored("A1", USAGE)) == draft(scored=scored("A1", USAGE))


def test_what_the_asker_may_not_see_is_not_in_the_letter() -> None:
    scope = company.administrator()
    accounts = scope.tables["accounts"]
    masked = dataclasses.replace(
        accounts, columns={**accounts.columns, "contact_email": "masked", "contact_name": "masked"}
    )
    tables = {name: t for name, t in scope.tables.items() if name != "renewals"} | {"accounts": masked}
    made = draft(scope=dataclasses.replace(scope, tables=tables), scored=scored("A1", TICKETS))
    assert "renew" not in made.plain().lower() and made.plain().startswith("Hello,")
    assert made.to == "" and any("contact" in notice for notice in made.notices)


def test_a_follow_up_shows_the_products_with_pictures_and_their_own_terms() -> None:
    made = draft("follow_up", topics=("warranty",), images=True)
    assert [(i.path, i.name, i.key) for i in made.images] == [
        ("pictures/SKU-2.png", "Larch Boot", "SKU-2"), ("pictures/SKU-1.png", "Cirrus Tent", "SKU-1"),
    ]  # fmt: skip
    boot = next(p.text(False) for p in made.body if "**Larch Boot**" in p.text(False))
    tent = next(p.text(False) for p in made.body if "**Cirrus Tent**" in p.text(False))
    assert "2 years" in boot and "5 years" not in boot and "5 years" in tent
    assert all(image.citation.kind == "cell" and image.citation.column == "picture" for image in made.images)


def test_a_product_description_quotes_the_sheet_and_gives_the_data() -> None:
    made = draft("product_description", "SKU-1", entity="product", images=True)
    assert made.subject.text() == "Cirrus Tent" and "recycled ripstop nylon" in made.plain() and "€389" in made.plain()
    assert made.to == "" and not made.notices


def test_a_kind_without_a_template_gets_the_generic_one() -> None:
    made = draft("reminder", "A3")
    assert made.plain().startswith("Dear Maya,") and "€8,000" in made.plain()


def test_a_folder_of_templates_goes_before_the_built_in_ones(tmp_path: Path) -> None:
    (tmp_path / "retention.md").write_text(
        "@subject\nGrüezi\n@greeting\nGuten Tag {{contact.name}},\n"
        "@paragraph\nEs läuft aus am {{renewal.renewal_date|date}}.\n",
        encoding="utf-8",
    )
    made = draft(templates=TemplateSet(tmp_path))
    assert made.subject.text() == "Grüezi" and made.plain().startswith(
        "Guten Tag Lena Vogt,\n\nEs läuft aus am 30 June"
    )
    assert draft("follow_up", templates=TemplateSet(tmp_path)).plain().startswith("Dear Lena,")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("@nonsense\nx", "no block @nonsense"),
        ("@paragraph\n{{a.b|roman}}", "no style 'roman'"),
        ("@subject\n{{a}}", "not fact.column"),
    ],
)  # fmt: skip
def test_a_template_that_does_not_hold_says_where(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse(text, "retention", "retention.md")


@pytest.mark.parametrize("kind", ["retention", "follow_up", "product_description", "generic"])
def test_the_built_in_templates_hold_no_figure_outside_their_slots(kind: str) -> None:
    from query.proof.prove import loose_figures

    template = TemplateSet().get(kind)
    assert template.kind == kind and slots_of(template)
    for block in template.blocks:
        for sentence in (s for alternative in block.alternatives for s in alternative):
            assert loose_figures(" ".join(p for p in sentence.parts if isinstance(p, str))) == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Offer a free training of 45 minutes.", "I would like to offer you a free training of 45 minutes."),
        ("Assign a named engineer to every ticket.", "We will assign a named engineer to every ticket."),
        ("A visit by our regional manager.", "I can offer you a visit by our regional manager."),
        ("Book a workshop with the buyers, and set up alerts for their top products.",
         "We will book a workshop with the buyers."),
        ("Escalate to the director when usage has halved.", None),
        ("Call the customer within three days and ask why.", None),
        ("Check with finance whether the invoices are disputed.", None),
    ],
)  # fmt: skip
def test_offers_are_turned_to_the_customer_or_left_out(text: str, said: str | None) -> None:
    whole = Passage("g:1#0", "g:1", "g", "g", text, 0, len(text), 1, 1)
    book = CitationBook()
    made = offer_sentence(Span(text, 0, len(text), "What to offer", whole), book)
    assert (made.text() if made else None) == said
    for part in made.parts if made else ():
        if isinstance(part, Slot):
            assert part.citation.quote == text[part.citation.start : part.citation.end]


def test_a_letter_is_in_the_language_that_the_settings_or_the_data_choose() -> None:
    made = draft(scored=scored("A1", USAGE, TICKETS), templates=TemplateSet(language="de"))
    text = made.plain()
    assert made.language == "de" and text.startswith("Guten Tag Lena Vogt,")
    assert "30. Juni 2026" in made.subject.text() + text and "2. Mai 2026" in text
    assert text.endswith("Mit freundlichen Grüßen\nInes Haller")
    assert "offer you" not in text  # the guides are in English
    assert not made.notices
    assert draft().language == "en"


def test_the_language_of_a_reader_is_stated_or_suggested_by_the_country() -> None:
    def facts(**values: str) -> dict[str, TableEvidence]:
        rows = Rows(tuple(values), (tuple(values.values()),))
        return {"account": TableEvidence("f", "SELECT 1", "SELECT 1", rows, ("accounts",))}

    assert language_of(facts(language="de-CH"), by_country=False) == "de"
    assert language_of(facts(language="German"), by_country=False) == "de"
    assert language_of(facts(country="Germany"), by_country=False) == ""
    assert language_of(facts(country="Germany"), by_country=True) == "de"
    assert language_of(facts(country="Switzerland"), by_country=True) == ""
    assert language_of(facts(language="en", country="Germany"), by_country=True) == "en"
    assert spoken("Wir senden Ihnen die Ware und das Muster.") == "de"
    assert spoken("We send you the goods and the sample.") == "en"


@pytest.mark.parametrize(
    ("value", "style", "german", "french"),
    [
        ("2026-06-01", "date", "1. Juni 2026", "1er juin 2026"),
        ("2026-03-05", "day", "5. März", "5 mars"),
        (1234.5, "money:EUR", "1.234,50\u00a0€", "1\u202f234,50\u00a0€"),
        (-1200, "money:CHF", "-1.200\u00a0CHF", "-1\u202f200\u00a0CHF"),
        (0.385, "percent:1", "38,5\u00a0%", "38,5\u00a0%"),
        (1234, "int", "1.234", "1\u202f234"),
        ("Ein Text", "text", "Ein Text", "Ein Text"),
        (True, "auto", "ja", "oui"),
    ],
)
def test_values_are_written_and_read_back_in_other_languages(
    value: Value, style: str, german: str, french: str
) -> None:
    for language, expected in (("de", german), ("fr", french)):
        assert write(value, f"{style}@{language}") == expected
        if not isinstance(value, bool):
            assert english(expected, language).replace(",", "") == write(value, style).replace(",", "")
