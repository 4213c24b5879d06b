"""Read the device tree of a running guest."""
