"""The demo's own steps, with a small stand-in for the generator; the real one runs in `make demo`."""

import json
from pathlib import Path
from typing import Any

import pytest

import data
from api.cli import main
from api.demo import make_sample
from api.render.pictures import write_pictures
from index.errors import UsageError
from tests.api.fake import ANSWERS, FakeOpener

SEEDS = ["How many accounts?", "Who leaves?"]


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The homes that the generator was asked to write."""
    homes: list[Path] = []

    def write_workspace(home: Path, **_more: Any) -> None:
        homes.append(home)
        (home / "sample").mkdir(parents=True, exist_ok=True)
        (home / "tower.yaml").write_text("version: 1\n", encoding="utf-8")
        lines = [{"id": f"sql-seed-{n}", "question": question} for n, question in enumerate(SEEDS)]
        lines.append({"id": "sql-other", "question": "not a seed"})
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (home / "sample" / "golden.jsonl").write_text(text, encoding="utf-8")

    monkeypatch.setattr(data, "write_workspace", write_workspace)
    return homes


def test_the_demo_asks_the_seed_questions_and_says_what_to_try_next(
    written: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    opener = FakeOpener()
    assert main(["demo", "--home", str(tmp_path / "home")], opener=opener) == 0
    assert opener.service.asked == SEEDS
    out = capsys.readouterr().out
    assert "There are 3 accounts [1]." in out
    assert f"chart: {tmp_path / 'home' / 'pictures' / 'question-2-chart.png'}" in out
    assert f"tower drafts list --home {tmp_path / 'home'}" in out
    assert opener.service.closed


def test_the_demo_as_json_has_every_answer(
    written: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--json", "--home", str(tmp_path / "home")], opener=FakeOpener()) == 0
    body = json.loads(capsys.readouterr().out)
    assert [answer["question"] for answer in body["answers"]] == SEEDS
    assert all(Path(file).suffix == ".png" for file in body["files"])


def test_the_sample_is_written_once_and_again_when_it_was_cut_off(written: list[Path], tmp_path: Path) -> None:
    assert make_sample(tmp_path, lambda *_: None)
    assert not make_sample(tmp_path, lambda *_: None)
    (tmp_path / "sample" / ".complete").unlink()
    assert make_sample(tmp_path, lambda *_: None)
    assert written == [tmp_path, tmp_path]


def test_somebodys_own_workspace_is_left_alone(written: list[Path], tmp_path: Path) -> None:
    (tmp_path / "tower.yaml").write_text("version: 1\n", encoding="utf-8")
    with pytest.raises(UsageError, match="not the demo's"):
        make_sample(tmp_path, lambda *_: None)
    assert written == []


def test_a_chart_becomes_a_png_and_pictures_keep_their_place(tmp_path: Path) -> None:
    files = write_pictures(ANSWERS["Who leaves?"], tmp_path / "pictures", "q")
    assert files == [tmp_path / "pictures" / "q-chart.png", Path("pictures/tent.png")]
    assert files[0].read_bytes().startswith(b"\x89PNG")
