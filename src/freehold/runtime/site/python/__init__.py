"""The app's own server in Python: a WSGI application, confined by the kernel."""
