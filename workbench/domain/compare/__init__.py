"""Differences between two profiles, and between a profile and the guest that runs."""
