"""Guests on this host that were started from profiles."""
