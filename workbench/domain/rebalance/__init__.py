"""Sharing one memory budget out among guests."""
