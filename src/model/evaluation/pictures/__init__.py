"""The pictures of the development sets, drawn by script: digits cut out of pages, photographs, and what is no digit."""
