"""Listeners for events, actions and commands."""
