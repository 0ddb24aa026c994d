"""Files under a source, globs, and the ledger."""

from __future__ import annotations

from pathlib import Path

import pytest

from index.errors import SourceError
from ingest.files import FileMark, glob_pattern, list_files, marks


@pytest.mark.parametrize(
    ("pattern", "fits", "misses"),
    [
        ("*.md", ["a.md", "A.MD"], ["x/a.md", "a.mdx"]), ("**/*.md", ["a.md", "x/y/a.md"], ["a.txt"]),
        ("mail/*.eml", ["mail/1.eml"], ["mail/x/1.eml"]), ("a?[0-9].csv", ["ab1.csv"], ["ab.csv", "a/1.csv"]),
        ("**", ["a", "x/y"], []), ("*_[!x]*.csv", ["a_b.csv"], ["a_x.csv"]),
    ],
)  # fmt: skip
def test_globs(pattern: str, fits: list[str], misses: list[str]) -> None:
    expression = glob_pattern(pattern)
    assert all(expression.match(name) for name in fits)
    assert not any(expression.match(name) for name in misses)


def test_hidden_files_and_links_that_lead_out_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_text("secret")
    root = tmp_path / "root"
    (root / ".git").mkdir(parents=True)
    for name in (".git/config", ".hidden", "~$a.docx", "b.txt", "a.txt"):
        (root / name).write_text("x")
    (root / "link.txt").symlink_to(tmp_path / "outside.txt")
    (root / "inner.txt").symlink_to(root / "a.txt")
    assert list(list_files(root)) == ["a.txt", "b.txt", "inner.txt"]
    assert list(list_files(root / "a.txt")) == ["a.txt"]


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no file or folder"):
        list_files(tmp_path / "nowhere")


def test_content_is_hashed_only_where_size_or_time_differ(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one")
    entry = list_files(tmp_path)["a.txt"]
    held = FileMark(entry.size, entry.mtime_ns, "as remembered")
    assert marks([entry], {"a.txt": [held.size, held.mtime_ns, held.sha256, 1]})["a.txt"] == held
    assert marks([entry], {"a.txt": [held.size, 0, held.sha256]})["a.txt"].sha256.startswith("7692c3ad")
