"""Settings: defaults, the environment, and errors that name the place and the near miss."""

from pathlib import Path

import pytest

from api.settings import default_home, load_settings
from index.errors import NotFoundError, SettingsError


def write(home: Path, text: str) -> Path:
    (home / "tower.yaml").write_text(text, encoding="utf-8")
    return home


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, ""))
    assert settings.models.planner.provider == "none"
    assert settings.catalogue_path == tmp_path / "catalogue.yaml"
    assert (settings.server.host, settings.server.port) == ("127.0.0.1", 8000)
    assert settings.sources == {}
    assert settings.worker_threads >= 1


def test_a_missing_workspace_is_an_error_unless_it_may_be_missing(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no workspace"):
        load_settings(tmp_path)
    assert load_settings(tmp_path, must_exist=False).home == tmp_path


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOWER_SERVER_PORT", "9001")
    monkeypatch.setenv("TOWER_THREADS", "3")
    monkeypatch.setenv("TOWER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TOWER_HOME", "elsewhere")
    settings = load_settings(write(tmp_path, "threads: 1\nserver: {port: 8001, host: 127.0.0.2}\n"))
    assert (settings.server.host, settings.server.port, settings.threads) == ("127.0.0.2", 9001, 3)
    assert settings.cache_dir == tmp_path / "cache"
    assert default_home() == Path("elsewhere")


def test_a_models_key_comes_from_the_environment_and_never_from_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (
        "models:\n  planner: {provider: openai-like, base_url: 'http://127.0.0.1/v1', model: m, api_key_env: MY_KEY}\n"
    )
    settings = load_settings(write(tmp_path, text))
    assert settings.models.planner.api_key() == ""
    monkeypatch.setenv("MY_KEY", "secret")
    assert settings.models.planner.api_key() == "secret"
    assert "secret" not in repr(settings)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("catalog: x.yaml", "unknown setting 'catalog'", "did you mean 'catalogue'?"),
        ("server: {prt: 1}", "unknown setting 'server.prt'", "did you mean 'port'?"),
        ("server: {port: many}", "server.port", "docs/settings.md"),
        ("models: {planner: openai_like}", "models.planner", "did you mean 'openai-like'?"),
        ("models: {planner: {key: x}}", "unknown setting 'models.planner.key'", "api_key_env"),
        ("version: 2", "version", "docs/settings.md"),
        ("sources: [a]", "sources", "docs/settings.md"),
        ("[a, b]", "holds a list", ""),
        ("a: [", "not readable YAML", "docs/configuration.md"),
    ],
)
def test_a_bad_setting_is_named_with_its_place(tmp_path: Path, text: str, message: str, hint: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings(write(tmp_path, text))
    assert message in raised.value.message
    assert str(tmp_path / "tower.yaml") in raised.value.message
    assert hint in raised.value.hint
