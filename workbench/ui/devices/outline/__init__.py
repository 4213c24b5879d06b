"""What the device pane shows: the view, the expanded lines, the line under the cursor. Independent of Textual."""
