"""The runbook on disk, as a file or a table, with its index."""
