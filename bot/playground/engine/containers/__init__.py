"""Containers of the demo engine."""
