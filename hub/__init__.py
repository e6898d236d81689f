"""The cloud service that kiosks sync with."""
