"""Which files are documents and which are tables, by suffix. Apart from the readers, which take time to import."""

from __future__ import annotations

STRUCTURED = frozenset(".json .jsonl .ndjson .csv .tsv .parquet .xlsx .xlsm".split())
DOCUMENTS = frozenset(
    ".atom .docm .docx .eml .epub .htm .html .ipynb .log .markdown .md .msg .pdf .pptm .pptx .rss .rst .rtf .text .txt "
    ".xhtml .xls .xml .zip".split()
)
