"""The entry points: the service, the page, and both together. May import everything."""

__version__ = "0.1.0"
