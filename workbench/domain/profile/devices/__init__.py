"""One module for each kind of device in a profile."""
