"""Profiles as TOML: parse with line numbers, edit without losing comments, write."""
