"""Slip -> layout -> {ESC/POS, Feie, Yilianyun, PNG, text} -> printers."""
