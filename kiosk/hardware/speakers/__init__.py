"""Cloud speakers (云喇叭): boxes with a SIM card or Wi-Fi that say what a maker's service tells them."""
