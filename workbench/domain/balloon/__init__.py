"""The balloon: readings, targets, rates, the ledger, and below them its diagnosis, history, path and safety."""
