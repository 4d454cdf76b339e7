"""What runs inside the confinement, before and around the app's own code: the standard library only."""
