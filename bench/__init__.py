"""Measures speed and memory over the local workspace, beside a bare echo bot; nothing here is a test."""
