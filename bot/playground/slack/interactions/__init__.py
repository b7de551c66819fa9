"""Presses, commands and responses of people."""
