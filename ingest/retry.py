"""Trying again what stands in quarantine: the tables and files that it came from are read anew with the next sync."""

from __future__ import annotations

import json
from typing import Any

from index.store.store import Store
from index.store.writer import SourceState

DOCUMENTS = "document"


def mark_for_retry(store: Store, only: tuple[str, ...] = ()) -> list[str]:
    """Forget up to where the quarantined records' tables and files were read; returns the sources to sync.

    Nothing else changes: what a source no longer has is doubted as ever.
    """
    touched: list[str] = []
    for source in store.sources():
        if only and source not in only:
            continue
        aside = store.quarantined(source, limit=1_000_000)
        if not aside:
            continue
        held = store.source_state(source)
        state: dict[str, Any] = json.loads(json.dumps(held.state))
        for record in aside:
            table = state.get("tables", {}).get(record.target)
            if table is not None:
                table["settings"] = table["inputs"] = ""
            if record.target == DOCUMENTS:
                name = record.origin.partition("#")[0].removesuffix(f" [{DOCUMENTS}]")
                mark = state.get("documents", {}).get("files", {}).get(name)
                if mark:
                    mark[2] = ""  # its hash: the file is read as a changed one
                    mark[0] = -1
        with store.begin() as writer:
            writer.put_state(SourceState(source, state, held.status, held.synced_at, held.message))
        touched.append(source)
    return touched
