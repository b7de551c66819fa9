"""Reading of alerts: kind, labels, targets."""
