"""Aegis: reads an alert, says what broke, restarts one container after a person's press, proves the recovery."""
