"""Programs that stand in for the world: for tests and the demo, never in place of an adapter."""
