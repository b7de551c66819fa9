"""State on disk: SQLite or PostgreSQL."""
