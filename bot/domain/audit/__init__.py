"""The audit trail: rows, seals, heads, comparison with the tables."""
