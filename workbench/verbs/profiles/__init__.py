"""check, command, compare, import and export."""
