"""A local Slack workspace, engine and web page for demo and tests."""
