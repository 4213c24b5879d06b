"""Profiles as TOML: reading with places, editing that keeps comments, writing."""
