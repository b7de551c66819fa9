"""The lab: services to break and experiments."""
