"""Files that hurt their reader hurt nobody else: caps on time and memory, crashes, order, and what is said of it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ingest.readers.base import Part
from ingest.readers.pool import ReaderPool
from ingest.readers.wire import Limits
from tests.ingest.readers import hostile


@pytest.fixture(scope="module")
def pool() -> Iterator[ReaderPool]:
    with ReaderPool(2, Limits(seconds=20, memory_mb=700)) as readers:
        yield readers


def read(pool: ReaderPool, path: Path, content: bytes) -> tuple[Part, ...]:
    path.write_bytes(content)
    return pool.read(path).parts


def test_files_come_back_in_the_order_they_were_asked_for(pool: ReaderPool, tmp_path: Path) -> None:
    paths = [tmp_path / f"{n}.md" for n in range(30)]
    for number, path in enumerate(paths):
        path.write_text(f"# Note {number}\n\n" + "Words. " * (3_000 if number == 0 else 3))
    titles = [reading.parts[0].document.title for reading in pool.read_all(paths) if reading.parts[0].document]
    assert titles == [f"Note {n}" for n in range(30)]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.zip", hostile.zip_bomb, "unpacks to more than"),
        ("a.docx", hostile.word_bomb, "unpacks to more than|too much memory|brought the reader down"),
        ("a.json", hostile.deep_json, "nested too deeply|brought the reader down"),
        ("a.pdf", lambda: b"%PDF-1.7\n" + b"\x00" * 1000, "damaged, or no PDF"),
        ("a.docx", lambda: hostile.zip_of(hello__txt=b"hello"), "not a Word document"),
        ("a.md", lambda: b"", "has no text in it"),
        ("a.msg", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "damaged"),
        ("a.jpg", lambda: b"\xff\xd8\xff", "is a picture"),
        ("a.doc", lambda: b"words", "is an old Word file"),
        ("a", lambda: b"words", "a file without suffix cannot be read"),
    ],
)
def test_what_cannot_be_read_says_why(
    pool: ReaderPool, tmp_path: Path, name: str, content: Callable[[], bytes], reason: str
) -> None:
    import re

    first = next(part for part in read(pool, tmp_path / name, content()) if part.document is None)
    assert re.search(reason, first.reason) and name in first.reason


def test_an_xml_bomb_is_not_unfolded(pool: ReaderPool, tmp_path: Path) -> None:
    since = time.monotonic()
    (part,) = read(pool, tmp_path / "a.xml", hostile.billion_laughs())
    assert part.document is None or len(part.document.text) < 1_000
    word = f'<w:document xmlns:w="{hostile.WORD}"><w:body><w:p><w:r><w:t>&l9;</w:t></w:r></w:p></w:body></w:document>'
    bomb = hostile.billion_laughs().split(b"<x>")[0] + word.encode()
    (part,) = read(pool, tmp_path / "a.docx", hostile.zip_of(**{"word/document__xml": bomb}))
    assert part.document is None or len(part.document.text) < 1_000
    assert time.monotonic() - since < 20


def test_deep_html_gives_its_text(pool: ReaderPool, tmp_path: Path) -> None:
    (part,) = read(pool, tmp_path / "a.html", hostile.deep_html())
    assert part.reason or (part.document and "deep" in part.document.text)


def test_a_file_over_the_limit_is_not_opened(pool: ReaderPool, tmp_path: Path) -> None:
    since = time.monotonic()
    (part,) = pool.read(hostile.sparse(tmp_path / "a.pdf")).parts
    assert "over the limit of 100 MB" in part.reason and part.hint == "split the file"
    assert time.monotonic() - since < 5


def test_of_ten_thousand_pages_the_first_are_read(tmp_path: Path) -> None:
    with ReaderPool(1) as readers:
        (part,) = read(readers, tmp_path / "a.pdf", hostile.long_pdf())
    assert part.document is not None
    assert part.document.warnings == ("only the first 2000 of 10000 pages were read",)
    assert "page 2000 says" in part.document.text and "page 2001 says" not in part.document.text


def test_a_reader_out_of_time_is_ended_and_the_next_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "b.md").write_text("# Fine")
    (tmp_path / "slow.md").write_bytes(hostile.slow_markdown())
    with ReaderPool(1, Limits(seconds=1.0)) as readers:
        readers.read(tmp_path / "b.md")  # a new process has a minute more, to start
        slow, fine = readers.read_all([tmp_path / "slow.md", tmp_path / "b.md"])
    assert slow.parts[0].reason == "slow.md: takes longer than 1 s to read"
    assert fine.parts[0].document is not None


def test_a_reader_out_of_memory_says_so_and_the_next_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "b.md").write_text("# Fine")
    (tmp_path / "large.md").write_bytes(b"word\n\n" * 5_000_000)
    with ReaderPool(1, Limits(memory_mb=100)) as readers:
        large, fine = readers.read_all([tmp_path / "large.md", tmp_path / "b.md"])
    assert "memory" in large.parts[0].reason
    assert fine.parts[0].document is not None


def test_a_reader_that_is_killed_costs_its_file_alone(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# Fine")
    with ReaderPool(1) as readers:
        readers.read(tmp_path / "a.md")
        (process,) = readers._idle
        os.kill(process._popen.pid, signal.SIGKILL)
        killed, fine = readers.read_all([tmp_path / "a.md", tmp_path / "a.md"])
    assert "brought the reader down" in killed.parts[0].reason
    assert fine.parts[0].document is not None


def test_readers_can_write_no_file_and_print_nothing(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys; sys.path[:] = sys.argv[1:]\n"
        "from ingest.readers import worker\n"
        "out = worker._private_output(); worker._cap(500); print('noise')\n"
        "try:\n    open('x', 'w').write('y' * 10_000)\nexcept OSError as error:\n    out.write(b'refused')\n"
    )
    code = "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n" + code
    done = subprocess.run([sys.executable, "-c", code, *sys.path], cwd=tmp_path, capture_output=True, check=False)
    assert done.stdout == b"refused"


def test_closing_ends_every_reader(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# Fine")
    readers = ReaderPool(1)
    readers.read(tmp_path / "a.md")
    (process,) = readers._idle
    readers.close()
    assert process._popen.poll() is not None
