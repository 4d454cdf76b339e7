"""Mail that functions send through a service of their builder or another: it goes to the owner's mail server."""
