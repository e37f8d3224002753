"""Measures what the layout of the pixels is worth: CNN against MLP, on given, permuted and recovered layouts.

Imports training, evaluation and everything below them; never pipeline or the app.
"""
