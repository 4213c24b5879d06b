"""Reading and setting the balloon of a running guest."""
