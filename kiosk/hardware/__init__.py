"""Devices of the counter: a port, its adapters and a simulator each."""
