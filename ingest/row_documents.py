"""Which rows become documents where tower.yaml does not say so: those of tables that hold prose (visits, reviews,
tickets), as the catalogue has it."""

from __future__ import annotations

from index.catalogue.model import Catalogue, Column, Table
from ingest.config import RowDocumentsConfig

MOST_ROWS = 10_000  # of one table: beyond it, minutes of embedding are a person's decision


def prose_documents(catalogue: Catalogue, source: str) -> tuple[dict[str, RowDocumentsConfig], list[str]]:
    """How each row of the prose tables of `source` becomes a document, by table, and a warning for each table that
    has too many rows to begin by itself.

    The text is every column of the role `text` that is neither personal nor secret. The documents carry the tag
    of their source, as those of a folder do, and belong to the entities that the catalogue's joins lead to.
    """
    found: dict[str, RowDocumentsConfig] = {}
    warnings: list[str] = []
    for table in catalogue.tables:
        prose = [c for c in table.columns if _is_prose(c)] if table.source == source else []
        if not prose:
            continue
        if table.rows > MOST_ROWS:
            warnings.append(
                f"{table.name}: the texts of its {table.rows:,} rows are not searched by meaning; "
                f"ask for it with `documents:` under the table in tower.yaml"
            )
            continue
        found[table.name] = RowDocumentsConfig(
            title=table.name_column if table.name_column in _titles(table, prose) else "",
            text=tuple(c.name for c in prose),
            date=table.time_column or "",
            tags=(source,),
            entities=_entities(catalogue, table),
        )
    return found, warnings


def _is_prose(column: Column) -> bool:
    return column.role == "text" and column.type == "text" and column.sensitivity not in ("personal", "secret")


def _titles(table: Table, prose: list[Column]) -> set[str]:
    return {c.name for c in table.columns if c not in prose and c.sensitivity not in ("personal", "secret")}


def _entities(catalogue: Catalogue, table: Table) -> dict[str, str]:
    """Entity to the column of `table` that holds its key."""
    found: dict[str, str] = {}
    for entity in catalogue.entities:
        if entity.table == table.name:
            found[entity.name] = entity.key
        for join in catalogue.joins:
            if join.left == table.name and join.right == entity.table and join.right_columns == (entity.key,):
                found.setdefault(entity.name, join.left_columns[0])
    return found
