"""Bringing sources up to date: tables of files, databases and connectors, then their documents."""
