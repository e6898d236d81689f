"""One file a claim, each beside a peer in the same run: ratios first, since machines differ and are noisy."""
