"""The life of a guest, and the snapshot that the screen shows of it."""
