"""The /realtime/v1 protocol: channels, broadcast, presence and database changes."""
