"""The stages of dvc.yaml, a module each, run as `python -m src.model.pipeline.stages.<name>`.

May import what the pipeline may, and the pipeline itself.
"""
