"""Differences between two profiles, and between a profile and its running guest."""
