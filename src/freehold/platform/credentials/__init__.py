"""The formats of what proves an identity: password hashes, refresh tokens, one-time codes and the project's keys."""
