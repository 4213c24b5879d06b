"""What the main screen does for its panes, one subject a module: decisions and requests, without Textual's wiring."""
