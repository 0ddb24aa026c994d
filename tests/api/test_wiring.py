"""The object graph follows the settings."""

from pathlib import Path

import pytest

from api.settings import load_settings
from api.wiring import open_workspace
from index.errors import SettingsError, SourceError


def test_vectors_of_a_server_are_looked_for_there(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.md").write_text("# Zips\n\nZips are covered.\n", encoding="utf-8")
    (tmp_path / "tower.yaml").write_text(
        "sources:\n  files: {kind: files, path: files}\nvectors: {url: 'http://127.0.0.1:9', shards: 2}\n",
        encoding="utf-8",
    )
    workspace = open_workspace(tmp_path, load_settings(tmp_path))
    try:
        with pytest.raises(SourceError, match="vector server does not answer"):
            workspace.ingest([], False, lambda *step: None)
        assert not (tmp_path / "vectors").exists()
    finally:
        workspace.close()


def test_a_collection_prefix_that_a_server_would_not_take_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "tower.yaml").write_text("vectors: {url: 'http://q', collection_prefix: a/b}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="collection_prefix"):
        load_settings(tmp_path)
