"""The parts of the drawing page. It knows the service only through HTTP, and imports only `src.settings` and itself."""
