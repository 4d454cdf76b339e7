"""The app builders Freehold understands, one folder each; `registry` lists them."""
