"""The balloon panel."""
