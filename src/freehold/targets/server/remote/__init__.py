"""The one program that acts on a server. Standard library only; it reads JSON on its standard input.

It travels as an archive of itself and of the modules of `core`, `kit` and `targets` that it shares with the tool.
"""
