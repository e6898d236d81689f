"""Checks, issues, suggestions."""
