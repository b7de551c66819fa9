"""Aegis, a Slack bot that diagnoses containers and restarts approved ones.

It reads an alert, shows what broke, restarts one container after an approver's press, and checks the recovery.
"""
