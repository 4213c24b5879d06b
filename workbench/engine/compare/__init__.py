"""How a running guest differs from its profile."""
