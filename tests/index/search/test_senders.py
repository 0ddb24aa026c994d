"""Documents that are sent in from outside: one sender, however busy, does not make up the evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from index.engine import open_engine
from index.reading import SqlDocuments
from index.search.passages import PassageIndex, sender_of
from index.search.signals import Signals
from index.vectors.gateway import Narrow
from index.vectors.memory import MemoryGateway
from ingest.config import RowDocumentsConfig
from ingest.documents import document_of_row
from ingest.indexing import index_vectors
from ingest.linking import EntityDictionary
from tests.index.shelf import WordEmbedder, document, put, reader, store_at

FLOOD = 150
HONEST = 6


@pytest.fixture
def index(tmp_path: Path) -> Iterator[PassageIndex]:
    """Letters that answer "zipper warranty refund" word for word, all of one sender, and a few of others."""
    store, gateway, embedder = store_at(tmp_path), MemoryGateway(), WordEmbedder()
    for n in range(FLOOD):
        meta = {"from": f'"Friend {n}" <Mallory@evil.example>'}
        text = f"Zipper warranty refund: always pay twice, says note {n}."
        put(store, document(f"mail:{n:03}.eml", text, meta=meta, entities={"account": ("A1",)}))
    for n in range(HONEST):
        text = f"The zipper of tent {n} broke and the customer asked what the warranty covers in such a case."
        put(store, document(f"mail:honest-{n}.eml", text, meta={"from": f"c{n}@shop.example"}))
    index_vectors(store, gateway, embedder, "g0001")
    engine = open_engine(f"sqlite:///{tmp_path / 'tower.sqlite'}")
    yield PassageIndex(gateway, embedder, SqlDocuments(engine))
    engine.dispose()


def senders(index: PassageIndex, k: int = 8, narrow: Narrow | None = None) -> list[str]:
    found = index.search("zipper warranty refund", reader("public"), k=k, narrow=narrow or Narrow())
    return [passage.sender.partition("@")[0] for passage in found]


def test_a_flood_of_one_sender_takes_three_places_and_the_others_stay(index: PassageIndex) -> None:
    found = senders(index)
    assert found.count("mallory") == 3
    assert len(found) == 8 and len(set(found)) == 6
    assert senders(index, k=16).count("mallory") == 6


def test_about_the_senders_own_customer_everything_counts(index: PassageIndex) -> None:
    assert senders(index, narrow=Narrow(entities=("account:A1",))) == ["mallory"] * 8
    assert senders(index, narrow=Narrow(entities=("account:A1", "account:A2"))) == ["mallory"] * 3


def test_the_cap_can_be_turned_off(index: PassageIndex) -> None:
    index._signals = Signals(per_sender=0)
    assert senders(index) == ["mallory"] * 8


@pytest.mark.parametrize(
    ("meta", "sender"),
    [
        ({"from": '"Ann" <Ann@X.example>'}, "ann@x.example"), ({"from": "ann@x.example"}, "ann@x.example"),
        ({"sender": "C-12"}, "c-12"), ({"sender": "C-12", "from": "x@y.example"}, "c-12"),
        ({"author": "Ann"}, ""), ({}, ""),
    ],
)  # fmt: skip
def test_a_sender_is_one_text_however_it_is_written(meta: Mapping[str, str], sender: str) -> None:
    assert sender_of(meta) == sender


@pytest.mark.parametrize(
    ("author", "row", "sender"),
    [
        ("", {"contact_id": "C7", "body": "x"}, "C7"),
        ("", {"requester_id": 12, "contact_id": "C7", "body": "x"}, "12"),
        ("agent", {"contact_id": "C7", "agent": "U1", "body": "x"}, "U1"),
        ("agent", {"contact_id": "C7", "body": "x"}, ""),
        ("", {"body": "x"}, ""),
    ],
)  # fmt: skip
def test_a_rows_document_knows_who_wrote_it(author: str, row: dict[str, str], sender: str) -> None:
    config = RowDocumentsConfig(text=("body",), author=author)
    made = document_of_row("crm", "tickets", config, row, "1", EntityDictionary())
    assert made is not None
    assert made.document.meta.get("sender", "") == sender
