"""Removal of secrets from outside text."""
