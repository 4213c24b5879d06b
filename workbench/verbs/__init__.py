"""What a shell sees: one module for each verb."""
