"""Plain text and Markdown."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

import yaml

from ingest.readers.base import FileData, ParsedDocument
from ingest.readers.builder import TextBuilder, pipe_table
from ingest.readers.clean import clean, one_line, tidy
from ingest.readers.encoding import decode

_FRONT = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_ATX = re.compile(r"(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*\Z")
_SETEXT = re.compile(r"(=+|-{2,})[ \t]*\Z")
_FENCE = re.compile(r"[ \t]*(```+|~~~+)")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_IMAGE = re.compile(r"!\[([^\]]*)\]\([^()\s]*(?:\([^()]*\)[^()\s]*)*(?:\s+\"[^\"]*\")?\)")
_LINK = re.compile(r"\[([^\[\]]+)\]\((?:<[^>]*>|[^()\s]*(?:\([^()]*\)[^()\s]*)*)(?:\s+[\"'][^\"']*[\"'])?\)")
_REFERENCE = re.compile(r"\[([^\[\]]+)\]\[[^\[\]]*\]")
_TAG = re.compile(r"</?[A-Za-z][A-Za-z0-9-]*(?:\s[^<>]*)?/?>")
_BOLD = re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1")
_ITALIC = re.compile(r"(?<![\w*])\*(?=[^\s*])([^*\n]+?)(?<=[^\s*])\*(?![\w*])")
_ANCHOR = re.compile(r"\s*\{#[^}]*\}\s*\Z")
_TABLE_RULE = re.compile(r"[ \t]*\|?[ \t:|-]*-[ \t:|-]*\Z")


def read_text(file: FileData) -> ParsedDocument:
    """A plain text file; its first line is the title where it is short and stands alone."""
    text = tidy(decode(file.data))
    first, _, rest = text.partition("\n")
    title = one_line(first) if len(first) <= 120 and (not rest or rest.startswith("\n")) else ""
    return ParsedDocument(title or file.stem, text, kind="text")


def read_markdown(file: FileData) -> ParsedDocument:
    """A Markdown file. Front matter becomes `meta`; markup is taken off, headings become sections."""
    return parse_markdown(decode(file.data), file.stem)


def parse_markdown(text: str, default_title: str) -> ParsedDocument:
    """Markdown text as a document."""
    source = clean(text)
    builder = TextBuilder()
    front, body = _front_matter(source, builder)
    _blocks(_COMMENT.sub("", body), builder)
    meta = {str(k): one_line(str(v)) for k, v in front.items() if isinstance(v, str | int | float | bool | dt.date)}
    title = one_line(str(front.get("title") or "")) or builder.first_heading or default_title
    date = next((iso_date(front[name]) for name in ("date", "updated", "last_updated", "created") if name in front), "")
    return builder.finish(title, "markdown", date, meta)


def iso_date(value: object) -> str:
    """The ISO date in a front matter value, a date or a text that begins with one; else empty."""
    if isinstance(value, dt.date):
        return value.isoformat()[:10]
    found = re.match(r"\d{4}-\d{2}-\d{2}", str(value))
    try:
        return dt.date.fromisoformat(found.group()).isoformat() if found else ""
    except ValueError:
        return ""


def _front_matter(source: str, builder: TextBuilder) -> tuple[Mapping[str, Any], str]:
    found = _FRONT.match(source)
    if not found:
        return {}, source
    try:
        front = yaml.safe_load(found.group(1))
    except (yaml.YAMLError, ValueError) as error:
        builder.warn(f"front matter is not YAML: {str(error).splitlines()[0]}")
        return {}, source[found.end() :]
    if not isinstance(front, dict):
        return {}, source if front is not None else source[found.end() :]
    return {str(k): v for k, v in front.items()}, source[found.end() :]


def _blocks(body: str, builder: TextBuilder) -> None:
    fence = ""
    pending: list[str] = []
    lines = body.split("\n")

    def flush() -> None:
        if pending:
            builder.block(_block_text(pending))
            pending.clear()

    for number, line in enumerate(lines):
        opened = _FENCE.match(line)
        if fence:
            if opened and opened.group(1).startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
                builder.block("\n".join(pending))
                pending.clear()
            else:
                pending.append(line)
        elif opened:
            flush()
            fence = opened.group(1)
        elif heading := _ATX.match(line):
            flush()
            builder.heading(_plain(_ANCHOR.sub("", heading.group(2))), len(heading.group(1)))
        elif _is_setext(pending, line):
            title = pending.pop()
            flush()
            builder.heading(_plain(title), 1 if line.startswith("=") else 2)
        elif not line.strip():
            if pending and not _goes_on(lines, number):
                flush()
        else:
            pending.append(line)
    flush()


def _is_setext(pending: list[str], line: str) -> bool:
    if len(pending) != 1 or not _SETEXT.match(line):
        return False
    return pending[0][:1] not in ("|", "-", "*", ">", " ") and "|" not in pending[0]


def _goes_on(lines: list[str], number: int) -> bool:
    """True where the empty line stands inside a list: what follows is indented or the next item."""
    following = lines[number + 1] if number + 1 < len(lines) else ""
    return following.startswith(("  ", "\t")) and bool(following.strip())


def _block_text(lines: list[str]) -> str:
    if len(lines) > 1 and "|" in lines[0] and _TABLE_RULE.match(lines[1]) and "|" in lines[1]:
        rows = [_plain(line).strip().strip("|").split("|") for n, line in enumerate(lines) if n != 1]
        return pipe_table(rows)
    return _plain("\n".join(line.lstrip("> ") if line.startswith(">") else line for line in lines))


def _plain(text: str) -> str:
    if "[" in text:
        text = _IMAGE.sub(r"\1", text)
        for _ in range(2):  # an image inside a link leaves a link
            text = _LINK.sub(r"\1", text)
        text = _REFERENCE.sub(r"\1", text)
    if "<" in text:
        text = _TAG.sub("", text)
    if "**" in text or "__" in text:
        text = _BOLD.sub(r"\2", text)
    return _ITALIC.sub(r"\1", text) if "*" in text else text
