"""Where the visitor's pictures come from: the canvas, files, the camera, samples."""
