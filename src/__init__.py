"""The project's code: `model` is the machine learning, `app` the service and the drawing page."""
