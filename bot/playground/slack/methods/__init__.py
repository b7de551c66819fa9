"""Web API methods by family."""
