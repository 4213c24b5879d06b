"""The record of QMP messages below the console."""
