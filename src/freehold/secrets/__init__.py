"""Where an owner's secrets are kept, one file a store."""
