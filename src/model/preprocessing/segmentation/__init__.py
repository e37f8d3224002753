"""Segmentation: from the ink of a page to lines, and to the candidates that may be digits on them."""
