"""Digits as a hand writes them, for every test that draws: on the page's canvas, or straight onto a picture."""
