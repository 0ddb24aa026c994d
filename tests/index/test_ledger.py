"""The ledger: who may read what, and that a decision stands."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from index.engine import open_engine
from index.errors import BusyError, NotFoundError, PolicyError, UsageError
from index.ledger import Ledger
from index.scope import ACTIONS, Action, Principal, Scope
from index.store.schema import metadata

ANNA = Scope(Principal("anna"), {}, frozenset(), frozenset[Action]({"ask", "drafts"}))
BEN = Scope(Principal("ben"), {}, frozenset(), frozenset[Action]({"ask", "drafts"}))
READER = Scope(Principal("anna"), {}, frozenset(), frozenset[Action]({"ask"}))
ADMIN = Scope(Principal("root"), {}, frozenset(), ACTIONS)


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Ledger:
    sqlite = f"sqlite:///{tmp_path / 'index.sqlite'}"
    url = sqlite if request.param == "sqlite" else request.getfixturevalue("postgres").database("ledger", "")
    engine = open_engine(url)
    metadata.create_all(engine)
    return Ledger(engine)


def test_an_answer_is_read_by_its_principal_and_by_who_may_audit(ledger: Ledger) -> None:
    ledger.save_answer(ANNA, "a1", '{"x": 1}')
    assert ledger.answer(ANNA, "a1").body == '{"x": 1}'
    assert ledger.answer(ADMIN, "a1").principal == "anna"
    assert [a.id for a in ledger.answers(ADMIN)] == ["a1"]
    assert ledger.answers(BEN) == []


def test_a_foreign_answer_and_a_missing_one_look_the_same(ledger: Ledger) -> None:
    ledger.save_answer(ANNA, "a1", "{}")
    with pytest.raises(NotFoundError) as foreign:
        ledger.answer(BEN, "a1")
    with pytest.raises(NotFoundError) as missing:
        ledger.answer(BEN, "a2")
    assert foreign.value.message.replace("a1", "a2") == missing.value.message


def test_a_draft_is_edited_while_proposed_and_then_decided_once(ledger: Ledger) -> None:
    ledger.save_draft(ANNA, "d1", "a1", "account", "ACC-1", "first")
    assert ledger.edit_draft(ANNA, "d1", "second").body == "second"
    decided = ledger.decide_draft(ANNA, "d1", "approved", reason="good")
    assert (decided.status, decided.decided_by, decided.reason) == ("approved", "anna", "good")
    for act in (
        lambda: ledger.decide_draft(ANNA, "d1", "rejected"),
        lambda: ledger.decide_draft(ANNA, "d1", "approved"),
        lambda: ledger.export_draft(ANNA, "d1", "second", "rejected", was="second"),
    ):
        with pytest.raises(UsageError, match=r"was approved by anna|does not make a draft"):
            act()
    assert ledger.draft(ANNA, "d1").body == "second"


def test_an_edit_after_the_approval_voids_it_and_an_exported_draft_stays_as_it_is(ledger: Ledger) -> None:
    ledger.save_draft(ANNA, "d1", "a1", "account", "ACC-1", "first")
    ledger.decide_draft(ANNA, "d1", "approved", body="first!", was="first")
    edited = ledger.edit_draft(ANNA, "d1", "second")
    assert (edited.status, edited.decided_by, edited.decided_at) == ("edited", None, None)
    with pytest.raises(UsageError, match="was edited"):
        ledger.export_draft(ANNA, "d1", "second", "exported", was="second")
    ledger.decide_draft(ANNA, "d1", "approved")
    assert ledger.export_draft(ANNA, "d1", "second", "exported", was="second").status == "exported"
    with pytest.raises(UsageError, match="was exported"):
        ledger.edit_draft(ANNA, "d1", "third")


def test_a_decision_on_a_body_that_somebody_changed_in_between_does_not_stand(ledger: Ledger) -> None:
    ledger.save_draft(ANNA, "d1", "a1", "account", "ACC-1", "first")
    ledger.edit_draft(ANNA, "d1", "second")
    with pytest.raises(BusyError, match="changed in between"):
        ledger.decide_draft(ANNA, "d1", "approved", was="first")
    assert ledger.draft(ANNA, "d1").status == "edited"


def test_of_two_simultaneous_decisions_one_stands(ledger: Ledger) -> None:
    ledger.save_draft(ANNA, "d1", "a1", "account", "ACC-1", "body")

    def decide(decision: str) -> str:
        try:
            return ledger.decide_draft(ANNA, "d1", decision).status  # type: ignore[arg-type]
        except UsageError:
            return "late"

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(decide, ["approved", "rejected"] * 8))
    assert results.count("late") == 15
    assert ledger.draft(ANNA, "d1").status in results


def test_drafts_are_listed_by_status_within_the_scope(ledger: Ledger) -> None:
    for number in range(3):
        ledger.save_draft(ANNA, f"d{number}", "a1", "account", f"ACC-{number}", "body")
    ledger.decide_draft(ANNA, "d0", "rejected", reason="no")
    assert [d.id for d in ledger.drafts(ANNA, status="proposed")] == ["d2", "d1"]
    assert [d.id for d in ledger.drafts(ADMIN, status="rejected")] == ["d0"]
    assert ledger.drafts(BEN) == []
    with pytest.raises(UsageError, match="never 'sent'"):
        ledger.drafts(ANNA, status="sent")


def test_outlines_are_the_drafts_without_their_texts_and_a_page_of_them_is_read(ledger: Ledger) -> None:
    ben = Scope(Principal("ben"), {}, frozenset(), ANNA.actions)
    for number in range(1_100):  # more than fit in one query
        ledger.save_draft(ANNA, f"d{number}", "a1", "account", f"ACC-{number}", f"body {number}")
    ledger.save_draft(ben, "e1", "a2", "account", "ACC-1", "ben's")
    outlines = ledger.outlines(ANNA)
    assert [o.id for o in outlines] == [d.id for d in ledger.drafts(ANNA)] and len(outlines) == 1_100
    assert (outlines[0].entity, outlines[0].key, outlines[0].status) == ("account", "ACC-1099", "proposed")
    page = [o.id for o in outlines[50:750]]
    assert [d.id for d in ledger.drafts(ANNA, ids=page)] == page
    assert ledger.drafts(ANNA, ids=["e1"]) == [] == ledger.drafts(ANNA, ids=[])
    assert ledger.outlines(ANNA, status="approved") == []


def test_nobody_decides_on_a_draft_that_is_not_theirs_or_without_the_action(ledger: Ledger) -> None:
    ledger.save_draft(ANNA, "d1", "a1", "account", "ACC-1", "body")
    with pytest.raises(NotFoundError):
        ledger.decide_draft(BEN, "d1", "approved")
    with pytest.raises(PolicyError):
        ledger.decide_draft(READER, "d1", "approved")
    assert ledger.draft(ANNA, "d1").status == "proposed"


def test_the_last_saved_model_is_the_live_one(ledger: Ledger) -> None:
    assert ledger.live_model("churn") is None
    ledger.save_model("churn", "v1", "one", 0.8)
    ledger.save_model("churn", "v2", "two", 0.9)
    ledger.save_model("upsell", "v1", "other", None)
    assert ledger.live_model("churn") == "two"
    assert [(m.version, m.live, m.auc) for m in ledger.models("churn")] == [("v2", True, 0.9), ("v1", False, 0.8)]
    ledger.save_model("churn", "v1", "one again", 0.7)
    assert ledger.live_model("churn") == "one again"
    assert len(ledger.models("churn")) == 2


def test_turns_that_are_kept_at_once_stand_one_after_the_other(ledger: Ledger) -> None:
    def keep(number: int) -> None:
        ledger.save_answer(ANNA, f"a{number}", "{}")
        ledger.save_turn(ANNA, f"a{number}", "c", "q", "[]", "{}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(keep, range(12)))
    assert sorted(ledger.turn(ANNA, f"a{number}").position for number in range(12)) == list(range(1, 13))
