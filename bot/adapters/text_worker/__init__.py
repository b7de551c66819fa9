"""A child process that reads long outside text."""
