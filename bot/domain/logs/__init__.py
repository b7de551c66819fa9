"""Reading of container logs: lines, groups, digest."""
