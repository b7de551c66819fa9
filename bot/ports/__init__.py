"""Protocols of what the responder needs from outside, one module an edge."""
