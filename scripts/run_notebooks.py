"""Run the notebooks of docs/notebooks as Jupyter does, and write what came out into them: what is committed is real.

python -m scripts.run_notebooks [NAME ...]
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

DOCS = Path(__file__).parents[1] / "docs"
NOTEBOOKS = sorted((DOCS / "notebooks").glob("*.ipynb"))
TIMEOUT_S = 120  # for one cell
_VARIES = re.compile(r"[0-9a-f]{32}|\b[0-9a-f]{12}\b|[\d.,]+ ms\b|seconds': [\d.]+|\d{4}-\d\d-\d\dT[\d:.+Z]+")


def executed(path: Path, folder: Path) -> Any:
    """The notebook run in a copy of docs/example and docs/notebooks in `folder`; raises `CellExecutionError`."""
    for name in ("example", "notebooks"):
        shutil.copytree(DOCS / name, folder / name, dirs_exist_ok=True)
    commands = folder / "bin"
    commands.mkdir(exist_ok=True)
    tower = commands / "tower"
    tower.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m api.start "$@"\n', encoding="utf-8")
    tower.chmod(0o755)
    notebook = nbformat.read(path, as_version=4)
    environment = {
        **os.environ,
        "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(DOCS.parent),
        "COLUMNS": "120",
    }
    where = {"metadata": {"path": str(folder / "notebooks")}}
    NotebookClient(notebook, timeout=TIMEOUT_S, resources=where).execute(env=environment)
    return notebook


def told(notebook: Any) -> list[list[str]]:
    """The text of every output, cell by cell, without what changes from run to run: ids, times, durations."""
    return [
        ["\n".join(_VARIES.sub("·", line).rstrip() for line in _text(output).splitlines()) for output in cell.outputs]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def _text(output: Any) -> str:
    if output.output_type == "stream":
        return str(output.text)
    return str(output.data.get("text/plain", ""))


def clean(notebook: Any) -> None:
    """Take out what would change with every run and says nothing: times, versions, ids of cells."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
        cell.metadata = {}
        for output in cell.get("outputs", ()):
            output.pop("transient", None)


def main(names: list[str]) -> None:
    """Run the named notebooks, or all, in place."""
    for path in NOTEBOOKS:
        if names and path.stem not in names:
            continue
        with tempfile.TemporaryDirectory() as folder:
            notebook = executed(path, Path(folder))
        clean(notebook)
        nbformat.validate(notebook)
        nbformat.write(notebook, path)
        print(path.name, sum(len(outputs) for outputs in told(notebook)), "outputs")


if __name__ == "__main__":
    main(sys.argv[1:])
