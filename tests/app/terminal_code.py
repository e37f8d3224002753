"""Reads a QR code from what a program has written to a terminal."""

import re

import cv2
import numpy as np

PIXELS = 4  # for each module
HALVES = {"█": (255, 255), "▀": (255, 0), "▄": (0, 255), " ": (0, 0)}  # white on black


def read_code(output: str) -> str:
    """Return the text of the code in `output`; empty if there is none. Raises KeyError for other characters in it."""
    lines = re.findall(r"\033\[97;40m(.*?)\033\[0m", output)
    if not lines:
        return ""
    rows = [[HALVES[character][half] for character in line] for line in lines for half in (0, 1)]
    picture = np.array(rows, np.uint8).repeat(PIXELS, axis=0).repeat(PIXELS, axis=1)
    # it missed none of 600 addresses, `QRCodeDetector` three
    text, *_ = cv2.QRCodeDetectorAruco().detectAndDecode(picture)
    return text
