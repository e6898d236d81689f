"""Small displays at the end of a stream: one adapter, one language a family."""
