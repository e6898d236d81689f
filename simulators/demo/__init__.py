"""The demo: hub, kiosk and simulated devices on one machine, and the tour that plays the whole story."""
