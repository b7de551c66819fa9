"""Addresses that Aegis reads, shows or asks."""
