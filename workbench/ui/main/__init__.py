"""The main screen: its panes, the desk, and the controllers that carry out what the panes ask for."""
