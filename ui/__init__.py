"""What the pages of kiosk and hub share: components, style sheets, fonts, texts. No I/O, no business."""
