"""Carry out a rebalance."""
