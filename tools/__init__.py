"""Scripts that are run by hand: benchmarks, screenshots, the catalogue of texts. They may import everything."""
