"""Forgetting a customer in an open workspace: look, forget, or let it come in again."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

from index.scope import Scope

if TYPE_CHECKING:
    from api.upkeep.sync import Upkeep

Mode = Literal["look", "forget", "undo"]


def forget(upkeep: Upkeep, scope: Scope, said: str, mode: Mode) -> dict[str, Any]:
    """`look` counts what would go, `forget` removes it and gives the receipt, `undo` ends the keeping out.

    `said` is a key, or `entity:key`. Raises `NotFoundError` and `UsageError` as `index.forgetting.erase` does.
    """
    from index.forgetting.erase import Eraser
    from ingest.forget import Holdings, receipt_digest
    from ingest.forget import forget as forgotten

    owned, workspace = upkeep.owned, upkeep.owned.workspace
    eraser, catalogue = Eraser(owned.engines[0]), workspace.catalogue
    subject = eraser.subject(catalogue, said)
    if mode == "look":
        return {"entity": subject.entity.name, "stores": eraser.look(catalogue, subject).counts()}
    if mode == "undo":
        eraser.lift(subject)
        return {"entity": subject.entity.name, "lifted": True}
    holdings = Holdings(
        workspace.home,
        owned.store,
        eraser,
        owned.generations,
        owned.embedder,
        lambda: owned.gateway() if owned.generations.live() is not None else None,
        upkeep.resolve,
        workspace.settle,
    )
    told = lambda what: upkeep.progress(what, 0, None)  # noqa: E731
    receipt = forgotten(holdings, catalogue, subject, workspace.administrator(), scope.principal.name, told)
    upkeep.train(changed=True)
    return {**asdict(receipt), "sha256": receipt_digest(receipt)}
