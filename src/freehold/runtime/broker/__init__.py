"""The builder's sign-in broker on the app's own origin."""
