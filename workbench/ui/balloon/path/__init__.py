"""The path view of the balloon panel."""
