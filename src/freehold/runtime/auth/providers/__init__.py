"""Sign-in by other providers: Google, Apple, Microsoft, GitHub and whoever speaks OpenID Connect."""
