"""Trains networks, calibrates their confidence and saves them as artefacts.

Imports data, inference and preprocessing; never evaluation, experiments, pipeline or the app.
"""
