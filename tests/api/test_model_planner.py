"""A model of the settings, through the open workspace: asked, guarded, recorded and audited."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from api.settings import load_settings
from api.wiring import model_of, open_workspace
from index.errors import SettingsError
from tests.scripted_model import ScriptedModel, hangs, says


@pytest.fixture
def database(tmp_path: Path) -> str:
    with sqlite3.connect(tmp_path / "shop.sqlite") as connection:
        connection.executescript(
            "CREATE TABLE customer (customer_id INTEGER PRIMARY KEY, first_name TEXT, last_name TEXT, city TEXT);"
            "INSERT INTO customer VALUES (1, 'Ada', 'Berg', 'Oslo'), (2, 'Bo', 'Dahl', 'Bergen'),"
            " (3, 'Cy', 'Eng', 'Oslo');"
        )
    return f"sqlite:///{tmp_path / 'shop.sqlite'}"


def settings(home: Path, model: ScriptedModel, **more: object) -> None:
    chosen = {"provider": "openai-like", "base_url": model.base_url, "model": "m1", "api_key_env": "A_KEY", **more}
    (home / "tower.yaml").write_text(json.dumps({"models": {"planner": chosen}}), encoding="utf-8")


def test_a_model_of_the_settings_plans_over_a_database_in_place(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_KEY", "the key")
    (tmp_path / "golden.jsonl").write_text(
        '{"question": "How many customers live in Bergen?", "route": "sql",'
        ' "sql": "SELECT COUNT(*) FROM customer WHERE city = \'Bergen\'"}\n',
        encoding="utf-8",
    )
    with ScriptedModel(says("SELECT COUNT(*) AS n FROM customer WHERE city = 'Oslo'")) as model:
        settings(tmp_path, model)
        workspace = open_workspace(tmp_path, load_settings(tmp_path), sql_url=database)
        try:
            answer = workspace.ask("How many customers live in Oslo?", workspace.scope_for(None))
        finally:
            workspace.close()
        assert answer.sql[0].rows == [[2]]
        assert answer.egress[0]["model"] == "m1"
        assert "examples" in answer.egress[0]["fields"]
        assert model.requests[0].key == "the key"
        assert "How many customers live in Bergen?" in model.requests[0].prompt
        assert "Ada" not in model.requests[0].prompt
    assert "m1" in (tmp_path / "logs" / "audit.jsonl").read_text("utf-8")
    assert "the key" not in (tmp_path / "tower.yaml").read_text("utf-8")


def test_a_model_that_hangs_costs_its_time_out_and_no_more(tmp_path: Path, database: str) -> None:
    with ScriptedModel(hangs()) as model:
        settings(tmp_path, model, timeout_s=0.3)
        workspace = open_workspace(tmp_path, load_settings(tmp_path), sql_url=database)
        try:
            answer = workspace.ask("How many customers are there?", workspace.scope_for(None))
        finally:
            workspace.close()
    assert answer.sql[0].rows == [[3]]
    assert answer.notices and answer.timings_ms["total"] < 10_000


def test_a_provider_that_lacks_an_address_is_an_error_when_the_workspace_opens(tmp_path: Path, database: str) -> None:
    (tmp_path / "tower.yaml").write_text("models: {planner: {provider: openai-like}}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="base_url"):
        open_workspace(tmp_path, load_settings(tmp_path), sql_url=database)


def test_a_class_of_llamaindex_is_a_provider(tmp_path: Path) -> None:
    (tmp_path / "tower.yaml").write_text(
        "models: {planner: {provider: llama_index.core.llms.MockLLM, options: {max_tokens: 3}}}\n", encoding="utf-8"
    )
    model = model_of("planner", load_settings(tmp_path).models.planner)
    assert model is not None and model.name == "MockLLM"


@pytest.mark.parametrize("role", ["writer", "image"])
def test_a_role_that_uses_no_model_yet_refuses_one(tmp_path: Path, role: str) -> None:
    (tmp_path / "tower.yaml").write_text(f"models: {{{role}: {{provider: openai-like}}}}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=f"models.{role}"):
        open_workspace(tmp_path, load_settings(tmp_path))
