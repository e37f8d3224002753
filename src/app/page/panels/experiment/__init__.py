"""The experiment: a CNN and an MLP read the same digits, with their pixels in place and scrambled."""
