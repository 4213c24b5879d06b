"""Keys: their names, their order, the bar that shows them."""
