"""Edges to the outside, one foreign library in each module.

Each module turns the errors of its library into those of ``bot.errors``.
"""
