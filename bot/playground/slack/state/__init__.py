"""State of the local workspace."""
