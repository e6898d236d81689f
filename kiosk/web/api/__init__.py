"""/api/v1: everything that staff can do, for commands, tills and scripts."""
