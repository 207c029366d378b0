"""Plugins that people use, each with its own effect."""
