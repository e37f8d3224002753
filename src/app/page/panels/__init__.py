"""The sections of the page below the canvas and the answer, a module or a folder each. They may import the rest of `page`."""
