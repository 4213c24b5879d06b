"""qmp and events."""
