"""Guest profiles: the model, its PCI slots and its rules."""
