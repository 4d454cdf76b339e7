"""Build an artifact from an app and number it as a release."""
