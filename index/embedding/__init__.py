"""Embedding models and their runtimes."""
