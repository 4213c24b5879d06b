"""The main screen: its panes, and what their keys do."""
