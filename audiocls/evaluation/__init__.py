"""Scores, their intervals, history and pictures."""
