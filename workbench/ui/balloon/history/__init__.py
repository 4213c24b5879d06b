"""The plot of the balloon panel."""
