"""The host pane."""
