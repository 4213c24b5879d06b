"""Staging of targets, and what the keys of the balloon panel ask for: models that know no screen."""
