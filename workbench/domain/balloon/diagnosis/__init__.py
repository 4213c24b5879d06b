"""Why the balloon does not reach its target: causes with their evidence, judged from readings."""
