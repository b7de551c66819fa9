"""Readers of what every program says in its own words: a demand, a disagreement, a refusal by the system, a limit."""
