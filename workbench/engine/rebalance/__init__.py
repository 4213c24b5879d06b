"""Carrying out a rebalance."""
