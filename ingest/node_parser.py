"""Our chunking as a LlamaIndex `NodeParser`, for programs that build their own pipelines.

This module imports llama_index, which takes seconds: nothing on Tower's own path imports it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llama_index.core.node_parser import NodeParser
from llama_index.core.schema import BaseNode, MetadataMode, NodeRelationship, TextNode

from index.documents import Document
from ingest.chunking import CHUNK_CHARACTERS, chunk


class TowerNodeParser(NodeParser):
    """Cuts along headings, paragraphs and sentences. Every node's `start_char_idx` and `end_char_idx` are exact."""

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
            document = Document(node.node_id, "", title, text, frozenset())
            for piece in chunk(document, self.chunk_characters):
                cut.append(
                    TextNode(
                        id_=piece.chunk_id,
                        text=text[piece.start : piece.end],
                        start_char_idx=piece.start,
                        end_char_idx=piece.end,
                        metadata={**node.metadata, "heading": piece.heading} if piece.heading else dict(node.metadata),
                        relationships={NodeRelationship.SOURCE: node.as_related_node_info()},
                    )
                )
        return cut
