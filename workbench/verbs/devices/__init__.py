"""tree, plug and unplug."""
