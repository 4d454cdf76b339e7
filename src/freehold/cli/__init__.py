"""The command line: one file a command; it prints and asks, and decides nothing."""
