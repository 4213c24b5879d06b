"""The profile of a guest: the model, its PCI slots and its rules."""
