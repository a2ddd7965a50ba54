"""Wharf: a terminal control room for partner batch files."""

__version__ = "0.1.0"
