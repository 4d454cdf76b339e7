"""Sending mail, and the local page that shows it where no mail server is set."""
