"""The counter page, the staff console and the local API."""
