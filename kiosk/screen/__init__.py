"""The process that owns the counter's screen: it keeps the browser, looks at the glass, or draws without a browser.

It runs beside the daemon as another user and speaks to it over the local API alone.
"""
