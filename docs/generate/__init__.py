"""Documents that are made from the code and from the lock."""
