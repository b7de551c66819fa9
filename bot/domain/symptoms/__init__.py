"""Symptoms that facts and log lines suggest about a target."""
