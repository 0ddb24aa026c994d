"""`tower init`: what it finds, what it writes, what it refuses."""

import sqlite3
from pathlib import Path

import pytest
import yaml

from api.settings import load_settings
from api.upkeep.initialise import initialise
from index.errors import NotFoundError, UsageError
from ingest.config import load_sources


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    with sqlite3.connect(tmp_path / "shop.sqlite") as connection:
        connection.execute("CREATE TABLE orders (order_id INTEGER PRIMARY KEY, country TEXT)")
        connection.execute("INSERT INTO orders (country) VALUES ('Germany')")
    (tmp_path / "handbook" / "people").mkdir(parents=True)
    (tmp_path / "handbook" / "people" / "leave.md").write_text("# Leave\n\nThirty days.\n", encoding="utf-8")
    (tmp_path / "corpus.jsonl").write_text('{"_id": "1", "title": "a", "text": "b"}\n', encoding="utf-8")
    return tmp_path


def test_every_source_is_written_and_the_file_holds_together(inputs: Path) -> None:
    home = inputs / "home"
    found = initialise(
        home,
        sql=[f"sqlite:///{inputs}/shop.sqlite"],
        files=[inputs / "handbook"],
        jsonl=[inputs / "corpus.jsonl"],
        force=False,
    )
    assert [source["source"] for source in found["sources"]] == ["shop", "handbook", "corpus"]
    assert found["sources"][0]["tables"] == {"orders": 1}
    assert found["sources"][1]["files"] == {".md": 1}
    sources = load_sources(load_settings(home).sources, home)
    assert set(sources.sources) == {"shop", "handbook", "corpus"}
    assert found["next"][0] == f"tower ingest --home {home}"


def test_a_relative_database_is_written_with_its_whole_path(inputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(inputs)
    initialise(Path("home"), sql=["sqlite:///shop.sqlite"], files=[Path("handbook")], jsonl=[], force=False)
    sources = yaml.safe_load((inputs / "home" / "tower.yaml").read_text(encoding="utf-8"))["sources"]
    assert sources["shop"]["url"] == f"sqlite:///{inputs}/shop.sqlite"
    assert sources["handbook"]["path"] == f"{inputs}/handbook"


def test_a_password_goes_to_the_environment_and_not_into_the_file(
    inputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.upkeep.initialise._tables", lambda url: {"orders": 1})  # no such server here
    found = initialise(
        inputs / "home", sql=["postgresql://ann:secret@db.example/shop"], files=[], jsonl=[], force=False
    )
    assert "secret" not in (inputs / "home" / "tower.yaml").read_text(encoding="utf-8")
    assert "secret" not in str(found)
    assert found["next"][0].startswith("export SHOP_URL=")
    settings = load_settings(inputs / "home")
    assert load_sources(settings.sources, settings.home, {"SHOP_URL": "sqlite:///x"}).sources["shop"].kind == "sql"


def test_two_sources_of_one_name_get_two_names(inputs: Path) -> None:
    other = inputs / "other" / "handbook"
    other.mkdir(parents=True)
    (other / "a.md").write_text("# A\n\ntext\n", encoding="utf-8")
    found = initialise(inputs / "home", sql=[], files=[inputs / "handbook", other], jsonl=[], force=False)
    assert [source["source"] for source in found["sources"]] == ["handbook", "handbook_2"]


@pytest.mark.parametrize(("kind", "name"), [("files", "nothing"), ("jsonl", "nothing.jsonl"), ("files", "empty")])
def test_what_is_not_there_is_refused(inputs: Path, kind: str, name: str) -> None:
    (inputs / "empty").mkdir()
    given: dict[str, list[Path]] = {"files": [], "jsonl": [], kind: [inputs / name]}
    with pytest.raises((UsageError, NotFoundError)):
        initialise(inputs / "home", sql=[], files=given["files"], jsonl=given["jsonl"], force=False)
    assert not (inputs / "home" / "tower.yaml").exists()


def test_a_database_that_is_not_there_is_refused_and_not_made(inputs: Path) -> None:
    with pytest.raises(NotFoundError):
        initialise(inputs / "home", sql=[f"sqlite:///{inputs}/none.sqlite"], files=[], jsonl=[], force=False)
    assert not (inputs / "none.sqlite").exists()


def test_a_tower_yaml_is_replaced_only_by_force(inputs: Path) -> None:
    home = inputs / "home"
    initialise(home, sql=[], files=[inputs / "handbook"], jsonl=[], force=False)
    with pytest.raises(UsageError, match="is there already"):
        initialise(home, sql=[], files=[], jsonl=[inputs / "corpus.jsonl"], force=False)
    initialise(home, sql=[], files=[], jsonl=[inputs / "corpus.jsonl"], force=True)
    assert set(load_settings(home).sources) == {"corpus"}
