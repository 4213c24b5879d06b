"""What is kept of a balloon across runs: samples, marks, targets."""
