"""The balloon: readings, targets, rates and the ledger; in subpackages its diagnosis, history, path and safety."""
