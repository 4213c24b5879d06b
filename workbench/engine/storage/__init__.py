"""Files: written whole or not at all, bounded, cached."""
