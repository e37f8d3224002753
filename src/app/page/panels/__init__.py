"""The sections of the page below the canvas and the answer, one module each. They may import the rest of `page`."""
