"""The kinds of input: picture files, Parquet and IDX."""
