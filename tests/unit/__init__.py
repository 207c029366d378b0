"""Tests of the plugin's pure Python parts."""
