"""Places a release can live, one file or folder each."""
