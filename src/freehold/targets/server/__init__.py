"""A Debian machine that its owner reaches by SSH."""
