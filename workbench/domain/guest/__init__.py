"""A guest's life cycle, and its snapshot for the screen."""
