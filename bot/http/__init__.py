"""The HTTP server: health, metrics, webhooks."""
