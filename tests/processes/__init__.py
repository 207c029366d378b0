"""Acceptance tests about processes: which there are, what they share, how they end."""
