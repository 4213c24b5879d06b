"""The pane of a guest's serial console."""
