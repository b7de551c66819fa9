"""Past incidents: entries, ranking, JSON format."""
