"""The form for a new device."""
