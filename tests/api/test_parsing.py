"""`tower parse`: documents, archives, and what is no file."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.parsing import parse_files
from index.errors import UsageError
from tests.ingest.readers.hostile import zip_of


def test_passages_and_sections_are_cut_from_the_text(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# Guide\n\n## Leave\n\n" + "Everybody has thirty days of leave in a year. " * 40)
    (entry,) = parse_files([tmp_path / "a.md"])
    assert entry["language"] == "en" and len(entry["chunks"]) > 1
    assert {chunk["heading"] for chunk in entry["chunks"]} == {"Guide > Leave"}
    assert entry["text"][entry["chunks"][1]["start"] :].startswith("Everybody")
    assert [entry["text"][s["start"] :][: len(s["title"])] for s in entry["sections"]] == ["Guide", "Leave"]


def test_an_archive_is_the_text_of_its_members_and_says_which_were_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zip_of(one__md=b"# One", two__png=b"x"))
    (entry,) = parse_files([tmp_path / "a.zip"])
    assert entry["kind"] == "archive" and entry["text"] == "one.md\n\nOne"
    assert [(m["name"], "error" in m) for m in entry["members"]] == [("one.md", False), ("two.png", True)]
    assert entry["warnings"] == ["two.png: is a picture; text in pictures is not read"]


def test_of_several_files_one_that_cannot_be_read_does_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# One")
    (tmp_path / "b.pdf").write_bytes(b"nothing")
    (tmp_path / "c.jsonl").write_text('{"a": 1}')
    found = parse_files([tmp_path / name for name in ("b.pdf", "gone.md", "c.jsonl", "a.md")])
    assert ["error" in entry for entry in found] == [True, True, False, False]
    assert found[3]["text"] == "One" and found[2]["count"] == 1


@pytest.mark.parametrize(("name", "message"), [("gone.md", "no file at"), (".", "a folder at")])
def test_what_is_no_file_says_so(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_files([tmp_path / name])
