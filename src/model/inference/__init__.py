"""Predictions by a saved network; works without torch unless a .pt file is opened.

May import `preprocessing` and the modules directly under `src/model`.
"""
