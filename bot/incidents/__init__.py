"""The path of an incident, from the alert to the runbook."""
