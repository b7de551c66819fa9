"""Logs of many programs in which what matters is hard to find, and what an expert would copy of each."""
