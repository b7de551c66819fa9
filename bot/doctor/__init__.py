"""Checks of the installation, each with a hint."""
