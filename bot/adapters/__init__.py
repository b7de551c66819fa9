"""The edges: each file imports exactly one outside thing and turns its errors into ours."""
