"""Completion of QMP and HMP lines from the schema."""
