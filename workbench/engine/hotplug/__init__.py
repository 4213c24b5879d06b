"""Carrying out plugs and unplugs."""
