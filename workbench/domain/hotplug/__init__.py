"""Plugging devices into a running guest, and unplugging them."""
