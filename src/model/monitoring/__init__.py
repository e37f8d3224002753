"""Statistics of the pictures that the service sees, and the detection of drift.

May import `data`, `inference`, `preprocessing` and the modules directly under `src/model`.
"""
