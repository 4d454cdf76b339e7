"""The live probe: what strangers can do with other people's rows, found by trying it."""
