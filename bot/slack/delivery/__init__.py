"""Delivery of cards and messages to Slack."""
