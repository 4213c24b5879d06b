"""The main screen: its panes and the actions of their keys."""
