"""The devices of a profile, one module for each kind."""
