"""Machine learning: predicts digits on picture files, and trains, measures, releases and monitors networks.

Knows nothing about the web: imports nothing from `src.app`. Its packages, from top to bottom, import only from below:
pipeline, experiments; training, evaluation; monitoring; data, inference; preprocessing; and the modules of this folder.
"""
