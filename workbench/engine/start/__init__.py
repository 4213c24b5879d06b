"""Starting a guest: plan, prepare, launch."""
