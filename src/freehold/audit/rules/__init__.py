"""One rule a file: `card` says what it is about, `check` looks. The order is in `registry`."""
