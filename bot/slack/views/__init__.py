"""Cards, replies and windows as Block Kit."""
