"""Drafts: e-mails and descriptions written from templates whose every figure, date and name is a cited slot."""

from __future__ import annotations

from query.drafts.draft import Draft, DraftImage, Paragraph
from query.drafts.template import TemplateSet
from query.drafts.write import DraftWriter

__all__ = ["Draft", "DraftImage", "DraftWriter", "Paragraph", "TemplateSet"]
