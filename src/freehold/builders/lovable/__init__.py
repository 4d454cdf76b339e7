"""Lovable: recognise and read its apps."""
