"""Readers of failures that programs describe in their own words.

They know a demand, a disagreement, a refusal by the system, and a limit.
"""
