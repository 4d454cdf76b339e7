"""The product's nouns: frozen dataclasses over the standard library, no input and no output."""
