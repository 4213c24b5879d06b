"""One guest, wherever it runs: connect, probe, read, judge, publish; and the protocols below it."""
