"""A Docker Engine of child processes for the demo."""
