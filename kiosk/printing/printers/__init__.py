"""Printers behind one port: each says honestly how a job ended."""
