"""Distribute one memory budget among guests."""
