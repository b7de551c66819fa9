"""A local Slack workspace with Web API and Socket Mode."""
