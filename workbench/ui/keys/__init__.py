"""Keys: their names, their order, and the key bar."""
