"""The approval queue over a real ledger."""

from pathlib import Path

import pytest

from api.drafts.exporting import Outbox
from api.drafts.queue import LedgerQueue
from api.settings import DraftsSettings
from index.engine import open_engine
from index.errors import NotFoundError, UsageError
from index.ledger import Ledger
from index.scope import Scope
from index.store.store import Store
from query.answer import DraftView
from query.proof.text_check import Finding
from tests.api.fake import CATALOGUE, draft

ADMIN = Scope.administrator(CATALOGUE, frozenset())


@pytest.fixture
def drafts(tmp_path: Path) -> LedgerQueue:
    engine = open_engine(f"sqlite:///{tmp_path / 'tower.db'}")
    Store(engine).create()
    ledger = Ledger(engine)
    ledger.save_draft(ADMIN, "d1", "a1", "account", "A1", draft().model_dump_json())
    return LedgerQueue(ledger, findings, lambda: Outbox(DraftsSettings()))


def findings(scope: Scope, checked: DraftView, proposed: str, to_export: bool) -> list[Finding]:
    """Everything but the word "wrong" holds."""
    return [Finding("link", "a link")] if "wrong" in checked.body else []


def test_a_draft_is_listed_edited_and_decided_once(drafts: LedgerQueue) -> None:
    assert drafts.edit(ADMIN, "d1", subject="Another")["subject"] == "Another"
    assert drafts.get(ADMIN, "d1")["body"] == "You have 12 seats [1]."
    assert drafts.approve(ADMIN, "d1")["status"] == "approved"
    assert [d["id"] for d in drafts.list(ADMIN, "approved")] == ["d1"]
    assert drafts.list(ADMIN, "proposed") == []
    with pytest.raises(UsageError):
        drafts.reject(ADMIN, "d1")
    with pytest.raises(NotFoundError):
        drafts.get(ADMIN, "d2")


def test_a_rejection_keeps_its_reason(drafts: LedgerQueue) -> None:
    assert drafts.reject(ADMIN, "d1", "renewed already")["reason"] == "renewed already"


def test_an_edit_with_a_figure_that_nothing_backs_says_so(drafts: LedgerQueue) -> None:
    assert drafts.edit(ADMIN, "d1", body="You have 12 seats [1].")["notices"] == []
    assert drafts.edit(ADMIN, "d1", body="You get 40 % off.")["notices"] == ["Edited by hand: 40 % without a source."]
    assert drafts.edit(ADMIN, "d1", body="Thank you.")["notices"] == []
