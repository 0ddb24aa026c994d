"""Our chunking as a LlamaIndex `NodeParser`, for programs that build their own pipelines.

This module imports llama_index, which takes seconds: nothing on Tower's own path imports it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from llama_index.core.node_parser import NodeParser
from llama_index.core.schema import BaseNode, MetadataMode, NodeRelationship, TextNode

from index.documents import Chunk, Document, Section
from index.vectors.filter import point_id
from ingest.chunking import CHUNK_CHARACTERS, chunk

_HEADING = re.compile(r"^(#{1,6})[ \t]+(\S.*?)[ \t]*#*[ \t]*$", re.MULTILINE)
_FENCED = re.compile(r"^(```|~~~).*?(?:^\1|\Z)", re.MULTILINE | re.DOTALL)


class TowerNodeParser(NodeParser):
    """Cuts along headings (Markdown's `#`), tables, paragraphs and sentences. Every node's `start_char_idx` and
    `end_char_idx` are exact; `heading` in its metadata is the path of headings it stands under, `table_header` the
    header of the table that it begins in the middle of."""

    chunk_characters: int = CHUNK_CHARACTERS

    @classmethod
    def class_name(cls) -> str:
        """The name under which LlamaIndex serialises this parser."""
        return "TowerNodeParser"

    def _parse_nodes(self, nodes: Sequence[BaseNode], show_progress: bool = False, **kwargs: Any) -> list[BaseNode]:
        cut: list[BaseNode] = []
        for node in nodes:
            text = node.get_content(metadata_mode=MetadataMode.NONE)
            title = str(node.metadata.get("title", ""))
            document = Document(node.node_id, "", title, text, frozenset(), sections=markdown_sections(text))
            for piece in chunk(document, self.chunk_characters):
                cut.append(
                    TextNode(
                        id_=point_id(piece.chunk_id),  # a vector store may take nothing but UUIDs
                        text=text[piece.start : piece.end],
                        start_char_idx=piece.start,
                        end_char_idx=piece.end,
                        metadata={**node.metadata, **_about(piece)},
                        relationships={NodeRelationship.SOURCE: node.as_related_node_info()},
                    )
                )
        return cut


def markdown_sections(text: str) -> tuple[Section, ...]:
    """The headings of a Markdown text, those in fenced code left out."""
    code = [found.span() for found in _FENCED.finditer(text)]
    return tuple(
        Section(found.start(), found.group(2), len(found.group(1)))
        for found in _HEADING.finditer(text)
        if not any(start <= found.start() < end for start, end in code)
    )


def _about(piece: Chunk) -> dict[str, str]:
    header = piece.context.rpartition("\n")[2]
    about = {"heading": piece.heading, "table_header": header if header.startswith("|") else ""}
    return {name: value for name, value in about.items() if value}
