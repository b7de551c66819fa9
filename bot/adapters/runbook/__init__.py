"""The runbook on disk: a file or a table, with an index."""
