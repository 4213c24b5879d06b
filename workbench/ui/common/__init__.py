"""Widgets and text shared by all panes."""
