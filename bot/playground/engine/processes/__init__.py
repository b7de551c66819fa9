"""Processes behind the containers of the demo engine."""
