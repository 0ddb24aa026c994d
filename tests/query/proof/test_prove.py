from __future__ import annotations

import dataclasses
import datetime as dt
import random

import pytest

from index.catalogue.model import Catalogue
from index.scope import Scope
from query.drafts import DraftWriter, TemplateSet
from query.evidence import Citation, CitationBook, Contribution, EntityScore, Sentence, Slot, TableEvidence
from query.facts import FactReader
from query.names import NameDictionary
from query.proof.prove import Prover, cite_count, loose_figures, unproven_figures
from query.proof.provenance import cite
from query.proof.reread import TableRereader
from tests.query import company

Facts = dict[str, TableEvidence]
Fault = tuple[Sentence | None, Prover]
NAMES = NameDictionary([a[1] for a in company.ACCOUNTS])


@pytest.fixture
def facts() -> Facts:
    read = FactReader(company.reader(), company.CATALOGUE, company.administrator(), company.TODAY)
    return read.facts("account", "A1")


def slot(facts: Facts, fact: str, column: str, text: str, style: str = "") -> Slot:
    citation = cite(facts[fact], 0, column, company.CATALOGUE, CitationBook())
    return Slot(text, citation.value, citation, style)


def prover(facts: Facts, **more: object) -> Prover:
    given = {"document_text": company.WordPassages().text, **more}
    return Prover(company.CATALOGUE, tuple(facts.values()), **given)  # type: ignore[arg-type]


def test_a_sentence_whose_slots_say_what_their_sources_say_is_kept(facts: Facts) -> None:
    sentence = Sentence(("It renews on ", slot(facts, "renewal", "renewal_date", "30 June 2026", "date"), "."))
    assert prover(facts).prove([sentence]).kept == (sentence,)


@pytest.mark.parametrize("words", ["in 30 days", "for €", "by June", "for twelve months", "20 percent"])
def test_figures_outside_slots_are_refused(facts: Facts, words: str) -> None:
    proof = prover(facts).prove([Sentence((f"This ends {words}.",))])
    assert not proof.kept and "without a source" in proof.notices[0]


def test_words_that_only_look_like_months_or_counts_are_not_figures() -> None:
    assert loose_figures("May I march on? Someone often wrote one.") == ()


def test_phrases_of_the_question_may_be_repeated() -> None:
    assert loose_figures("above 50,000 in Q2 2026", ("50,000", "Q2 2026")) == ()
    assert loose_figures("above 150,000", ("50,000",)) == ("150,000",)


def test_a_number_that_was_not_made_from_its_cell_is_refused(facts: Facts) -> None:
    for text in ("€120,001", "€12,000", "€120,000 and 5"):
        sentence = Sentence((slot(facts, "renewal", "amount", text),))
        assert prover(facts).prove([sentence]).removed


def test_a_count_is_cited_by_a_query_that_counts(facts: Facts) -> None:
    counted = cite_count(facts["open_tickets"], company.CATALOGUE, CitationBook())
    assert counted.text == "1" and prover(facts).fault(Sentence((counted, " ticket"))) == ""
    rerun = company.database().execute(counted.citation.sql or "").fetchone()
    assert rerun == (1,)


def test_a_quotation_must_be_what_the_document_says_there(facts: Facts) -> None:
    doc_id, text = "library:warranty/terms.md", company.WARRANTY
    start = text.index("Footwear")
    quote = text[start : start + 31]
    citation = Citation(1, "passage", "library", doc_id=doc_id, start=start, end=start + 31, quote=quote)
    good = Sentence((Slot(quote, quote, citation),))
    assert prover(facts).fault(good) == ""
    moved = dataclasses.replace(citation, start=start + 1, end=start + 32)
    assert "not what the document says" in prover(facts).fault(Sentence((Slot(quote, quote, moved),)))
    other = Sentence((Slot("Footwear is covered for 9 years", quote, citation),))
    assert "not in the passage" in prover(facts).fault(other)
    gone = dataclasses.replace(citation, doc_id="library:none.md")
    assert "cannot be found" in prover(facts).fault(Sentence((Slot(quote, quote, gone),)))


def test_the_name_of_another_account_is_refused_even_inside_a_slot(facts: Facts) -> None:
    own = Sentence(("Dear ", slot(facts, "account", "name", "Nordwand Handels GmbH")))
    other = Sentence(("As with Fjellpunkt AS, we care.",))
    checked = prover(facts, foreign=NAMES.without("Nordwand Handels GmbH"))
    assert checked.fault(own) == "" and "Fjellpunkt AS" in checked.fault(other)


def test_a_known_name_outside_a_slot_is_refused(facts: Facts) -> None:
    assert "Ridgeline Supply" in prover(facts, known=NAMES).fault(Sentence(("Ridgeline Supply leads.",)))


def test_a_stale_row_is_found_when_sources_are_read_again(facts: Facts) -> None:
    reader = company.reader()
    again = TableRereader(reader, company.CATALOGUE, company.administrator())
    sentences = [
        Sentence((slot(facts, "renewal", "amount", "€120,000", "money:EUR"),)),
        Sentence((slot(facts, "usage", "logins", "53", "int"),)),
    ]
    assert not prover(facts, rereader=again, fresh=True).prove(sentences).removed
    reader.connection.execute("UPDATE renewals SET amount = 90000 WHERE renewal_id = 'R1'")
    reader.connection.execute("DELETE FROM usage WHERE logins > 10")
    proof = prover(facts, rereader=again, fresh=True).prove(sentences)
    assert len(proof.removed) == 2 and all("says something else" in n for n in proof.notices)
    assert not prover(facts, rereader=again).prove(sentences).removed  # the evidence of the answer still holds


def test_a_source_that_the_asker_may_not_see_any_more_cannot_be_read_again(facts: Facts) -> None:
    again = TableRereader(company.reader(), company.CATALOGUE, Scope.nothing("nobody"))
    sentence = Sentence((slot(facts, "renewal", "amount", "€120,000"),))
    assert "cannot be found" in prover(facts, rereader=again, fresh=True).fault(sentence)


def test_every_figure_of_a_finished_text_must_be_in_a_citation() -> None:
    citations = [
        Citation(1, "cell", "crm", value="2026-06-30"),
        {"n": 2, "kind": "aggregate", "source": "crm", "value": 120000.0},
        {"n": 3, "kind": "passage", "source": "library", "quote": "covered for 5 years"},
        Citation(4, "cell", "support", value="Error 504 on export", key="TIC-00017"),
        Citation(5, "score", "model", value=0.8251),
    ]
    text = (
        "1. It renews on 30 June 2026 for €120,000 [1][2].\n2. “Error 504 on export” (TIC-00017) [4] is open; "
        "tents are covered for 5 years [3]. Risk 83% [5]."
    )
    assert unproven_figures(text, citations) == ()
    assert unproven_figures(text.replace("120,000", "120,001"), citations) == ("120,001",)
    assert unproven_figures("Due 29 June 2026.", citations) == ("29 June 2026",)
    assert unproven_figures("Over 50 of them.", citations, ["above 50"]) == ()


def scored() -> EntityScore:
    reasons = (
        Contribution("usage_change", "x", -40, 1.2, next_step="falling portal usage"),
        Contribution("open_tickets", "y", 2, 0.9, next_step="unresolved open tickets"),
    )
    return EntityScore("churn", "account", "A1", 0.8, -1.0, reasons, "v1", company.TODAY)


def test_two_hundred_planted_faults_are_all_caught() -> None:
    """Wrong numbers, swapped citations, other accounts' names, moved quotations and stale rows, in real drafts."""
    rng = random.Random(11)
    reader = company.reader()
    scope, catalogue, passages = company.administrator(), company.CATALOGUE, company.WordPassages()
    read = FactReader(reader, catalogue, scope, company.TODAY)
    writer = DraftWriter(catalogue, scope, passages, TemplateSet(), company.TODAY, NAMES, passages.text)
    caught = planted = 0
    for key, kind, own in [("A1", "retention", "Nordwand Handels GmbH"), ("A1", "follow_up", "Nordwand Handels GmbH")]:
        facts = read.facts("account", key)
        draft = writer.write(kind, "account", key, facts, scored=scored(), topics=("warranty",))
        honest = prover(facts, foreign=NAMES.without(own))
        sentences = [s for s in draft.sentences() if any(isinstance(p, Slot) for p in s.parts)]
        assert not honest.prove(draft.sentences()).removed
        while planted < (100 if kind == "retention" else 200):
            fault = rng.choice(FAULTS)
            broken, checker = fault(rng, rng.choice(sentences), sentences, facts, honest)
            if broken is None:
                continue
            planted += 1
            caught += bool(checker.fault(broken))
    assert (planted, caught) == (200, 200)


def _replace(sentence: Sentence, old: Slot, new: Slot) -> Sentence:
    return Sentence(tuple(new if part is old else part for part in sentence.parts), sentence.block)


def _slots(sentence: Sentence) -> list[Slot]:
    return [part for part in sentence.parts if isinstance(part, Slot)]


def _wrong_text(
    rng: random.Random, sentence: Sentence, sentences: list[Sentence], facts: Facts, honest: Prover
) -> Fault:
    old = rng.choice(_slots(sentence))
    digits = [i for i, c in enumerate(old.text) if c.isdigit()]
    if not digits:
        return None, honest
    at = rng.choice(digits)
    text = old.text[:at] + str((int(old.text[at]) + rng.randint(1, 9)) % 10) + old.text[at + 1 :]
    return _replace(sentence, old, dataclasses.replace(old, text=text, style=rng.choice(["", old.style]))), honest


def _wrong_value(
    rng: random.Random, sentence: Sentence, sentences: list[Sentence], facts: Facts, honest: Prover
) -> Fault:
    old = rng.choice(_slots(sentence))
    if old.citation.kind == "passage" or isinstance(old.value, str):
        return None, honest
    value = float(old.value or 0) + rng.randint(1, 99)
    forged = dataclasses.replace(old.citation, value=value)
    return _replace(sentence, old, Slot(f"{value:,.0f}", value, forged)), honest


def _swapped(rng: random.Random, sentence: Sentence, sentences: list[Sentence], facts: Facts, honest: Prover) -> Fault:
    old = rng.choice(_slots(sentence))
    others = [s for one in sentences for s in _slots(one) if s.text != old.text and str(s.value) != str(old.value)]
    other = rng.choice(others)
    if old.citation.kind == "passage" and old.text in (other.citation.quote or ""):
        return None, honest
    return _replace(sentence, old, dataclasses.replace(old, citation=other.citation)), honest


def _foreign_name(
    rng: random.Random, sentence: Sentence, sentences: list[Sentence], facts: Facts, honest: Prover
) -> Fault:
    name = rng.choice(["Fjellpunkt AS", "Ridgeline Supply"])
    return Sentence((*sentence.parts, f" As {name} does."), sentence.block), honest


def _loose(rng: random.Random, sentence: Sentence, sentences: list[Sentence], facts: Facts, honest: Prover) -> Fault:
    claim = rng.choice([" That is 40 more.", " Until July.", " For €9.", " By a dozen.", " Call 030 5550."])
    return Sentence((*sentence.parts, claim), sentence.block), honest


def _moved_quote(
    rng: random.Random, sentence: Sentence, sentences: list[Sentence], facts: Facts, honest: Prover
) -> Fault:
    old = next((s for s in _slots(sentence) if s.citation.kind == "passage"), None)
    if old is None:
        return None, honest
    by = rng.choice([-3, -1, 1, 2, 40])
    moved = dataclasses.replace(old.citation, start=(old.citation.start or 0) + by, end=(old.citation.end or 0) + by)
    return _replace(sentence, old, dataclasses.replace(old, citation=moved)), honest


def _stale(rng: random.Random, sentence: Sentence, sentences: list[Sentence], facts: Facts, honest: Prover) -> Fault:
    if all(s.citation.kind == "passage" for s in _slots(sentence)):
        return None, honest
    changed = [
        dataclasses.replace(e, rows=dataclasses.replace(e.rows, rows=tuple((None,) * len(r) for r in e.rows.rows)))
        for e in facts.values()
    ]
    return sentence, dataclasses.replace(honest, tables=tuple(changed), _cells=None, _aggregates={})


FAULTS = (_wrong_text, _wrong_value, _swapped, _foreign_name, _loose, _moved_quote, _stale)


def test_names_are_found_as_whole_words_longest_first() -> None:
    names = NameDictionary(["Berg", "Berg & Tal", "O'Neill Sports", "Ørsted Fritid"])
    assert names.find("Berg & Tal and Berger visit O'Neill Sports; Ørsted Fritid, too") == (
        "Berg & Tal", "O'Neill Sports", "Ørsted Fritid",
    )  # fmt: skip
    assert names.without("Berg").find("Berg ist da") == ()


def test_a_catalogue_without_tables_proves_nothing() -> None:
    citation = Citation(1, "cell", "crm", table="t", key="1", column="c", value=5)
    assert Prover(Catalogue(())).fault(Sentence((Slot("5", 5, citation),)))
    assert dt.date(2026, 5, 18) == company.TODAY
