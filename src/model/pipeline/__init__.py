"""From data to a network in production: the stages of dvc.yaml, their record, the registry, and what starts them.

May import everything else in `src.model` except experiments. It starts the service as a process and never imports it.
"""
