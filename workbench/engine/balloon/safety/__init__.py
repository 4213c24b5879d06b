"""Carrying out ramps, and the guard."""
