"""QMP: the schema, typed lines, their checking, effects and manual."""
