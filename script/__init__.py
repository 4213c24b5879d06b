"""Programs for those who work on this project; not part of the package."""
