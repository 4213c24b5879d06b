"""Recorded samples and marks, the window that a plot shows, and the plot as SVG."""
