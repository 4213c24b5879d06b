"""The device pane."""
