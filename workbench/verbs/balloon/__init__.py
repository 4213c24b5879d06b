"""balloon and watch."""
