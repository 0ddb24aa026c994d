"""Answers, hits, cards and reports for people: terminal, HTML and picture files."""
