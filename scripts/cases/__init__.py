"""Strangers' apps, used in Chromium as people use them."""
