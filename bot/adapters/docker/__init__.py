"""One Docker Engine: inventory, facts, evidence, actions."""
