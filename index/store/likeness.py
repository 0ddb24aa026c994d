"""Which documents say nearly the same: their signatures, and the groups that they fall into.

The groups are derived from the documents, like vectors, and may be behind them after a kill; the next sync catches up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from index.store.base import StoreBase
from index.store.schema import documents, likeness
from index.store.tables import batches


@dataclass(frozen=True)
class Signed:
    """A document's signature, and the state of the document that it was made of."""

    doc_id: str
    hash: str
    signature: str


class LikenessLedger(StoreBase):
    """Signatures and groups of documents."""

    def unsigned_documents(self) -> Iterator[tuple[str, str, str]]:
        """`(doc_id, hash, text)` of the documents whose present state has no signature."""
        last = ""
        while batch := self._unsigned(last):
            yield from batch
            last = batch[-1][0]

    def _unsigned(self, after: str) -> list[tuple[str, str, str]]:
        query = (
            sa.select(documents.c.doc_id, documents.c.hash, documents.c.text)
            .outerjoin(likeness, likeness.c.doc_id == documents.c.doc_id)
            .where(sa.or_(likeness.c.hash.is_(None), likeness.c.hash != documents.c.hash))
            .where(documents.c.doc_id > after)
            .order_by(documents.c.doc_id)
            .limit(500)
        )
        with self._reading() as connection:
            return [(row.doc_id, row.hash, row.text) for row in connection.execute(query)]

    def signatures(self) -> dict[str, str]:
        """The signature of every document by `doc_id`, also of some that are gone."""
        with self._reading() as connection:
            rows = connection.execute(sa.select(likeness.c.doc_id, likeness.c.signature))
            return {row.doc_id: row.signature for row in rows}

    def put_signatures(self, signed: Sequence[Signed]) -> int:
        """Write signatures, and remove those of documents that are gone; how many those were. Groups stay."""
        gone = sa.select(likeness.c.doc_id).where(sa.not_(sa.exists().where(documents.c.doc_id == likeness.c.doc_id)))
        with self._transaction() as connection:
            lost = list(connection.scalars(gone))
            for batch in batches([*lost, *(one.doc_id for one in signed)]):
                connection.execute(sa.delete(likeness).where(likeness.c.doc_id.in_(batch)))
            if signed:
                rows = [{"doc_id": s.doc_id, "hash": s.hash, "signature": s.signature, "group": ""} for s in signed]
                connection.execute(sa.insert(likeness), rows)
        return len(lost)

    def put_groups(self, groups: Mapping[str, str]) -> None:
        """Make `groups`, from `doc_id` to a name, all groups that there are."""
        with self._transaction() as connection:
            connection.execute(sa.update(likeness).where(likeness.c.group != "").values(group=""))
            for doc_id, name in groups.items():
                connection.execute(sa.update(likeness).where(likeness.c.doc_id == doc_id).values(group=name))

    def groups(self) -> dict[str, str]:
        """The groups that hold more than one document, from `doc_id` to the group's name."""
        with self._reading() as connection:
            rows = connection.execute(sa.select(likeness).where(likeness.c.group != ""))
            return {row.doc_id: row.group for row in rows}
