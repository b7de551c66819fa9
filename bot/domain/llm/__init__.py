"""The prompt, the reply, and its check against the facts."""
