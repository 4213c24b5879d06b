"""The list of guests."""
