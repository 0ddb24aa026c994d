"""The notebooks of the documentation run as Jupyter runs them, and what is committed in them is what comes out.

A kernel, the encoder and an ingest for each: that takes longer than other tests.
"""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from scripts.run_notebooks import NOTEBOOKS, executed, told

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_gives_what_is_committed(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "j"))  # nothing of this machine's Jupyter
    assert told(executed(path, tmp_path)) == told(nbformat.read(path, as_version=4))


def test_an_answer_is_displayed_with_its_table_chart_and_sources() -> None:
    notebook = nbformat.read(next(path for path in NOTEBOOKS if path.stem == "explore"), as_version=4)
    shown = [output.data["text/html"] for cell in notebook.cells for output in cell.get("outputs", ())
             if "text/html" in output.get("data", {})]  # fmt: skip
    answers = [html for html in shown if "tower-answer" in html]
    assert any("<table>" in html and "total_amount_of_orders" in html for html in answers)
    assert any("data:image/svg+xml;base64," in html or "data:image/png;base64," in html for html in answers)
    assert not any("<script" in html for html in shown)


def test_the_three_are_there() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["explore", "hybrid-questions", "tune-the-catalogue"]
