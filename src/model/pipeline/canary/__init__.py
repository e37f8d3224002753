"""The trial of a candidate on live traffic: what it does, by which rules it is judged, and how it ends."""
