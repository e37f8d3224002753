"""Scores many pictures offline, in shards: `python -m src.model.score`."""
