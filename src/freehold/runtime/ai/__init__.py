"""What answers in place of the builder's AI gateway."""
