"""Outermost: command line, HTTP, notebook object, settings and wiring."""
