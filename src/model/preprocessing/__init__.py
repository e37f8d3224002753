"""Preprocessing: from a picture file to a digit framed as in MNIST, 28x28 pixels.

May import `src.model.errors` and its own modules, nothing else from this project.
"""
