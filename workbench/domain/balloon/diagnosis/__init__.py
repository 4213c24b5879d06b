"""Why a diff stays: causes with their evidence, judged from readings."""
