"""The local workspace: Slack, engine and a web page on this machine, for the demo and for tests."""
