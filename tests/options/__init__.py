"""Acceptance tests about what the user can ask for."""
