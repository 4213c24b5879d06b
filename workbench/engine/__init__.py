"""What touches the world. Asynchronous; no screen."""
