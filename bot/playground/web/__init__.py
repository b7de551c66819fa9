"""Web server of the demo page."""
