"""The owner's data: migrations, copies, users, files."""
