"""The sections of the page below the canvas and the answer, each a module or a folder. They may import `page`."""
