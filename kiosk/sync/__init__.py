"""How the kiosk and the hub talk. Kept free of imports: the hub imports `kiosk.sync.protocol` alone."""
