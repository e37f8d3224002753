"""The endpoints, one module per route. May import everything in `src.app.api`."""
