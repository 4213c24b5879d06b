"""Plug devices into a running guest and unplug them."""
