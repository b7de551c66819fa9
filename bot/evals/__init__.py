"""Evaluation of diagnoses on cases with known answers."""
