"""The connection to Slack: socket, Web API, limits."""
