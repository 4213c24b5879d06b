"""The QMP console."""
