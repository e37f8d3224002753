"""Turns a trained network into an artefact: calibrates, quantises, describes and writes it."""
