"""HTTP routes of the demo engine."""
