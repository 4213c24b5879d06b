"""The connection to a QMP monitor."""
