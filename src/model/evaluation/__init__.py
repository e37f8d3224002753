"""How good a network is, and whether it may replace the released one.

May import data, inference and what lies below them; not training, experiments or the pipeline.
"""
