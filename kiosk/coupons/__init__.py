"""Coupons as values: batches, codes, rules and the redemption state machine. No I/O, no clock of its own."""
