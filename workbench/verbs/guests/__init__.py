"""list, status, start, stop, pause, resume, reset, doctor and demo."""
