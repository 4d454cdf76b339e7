"""Lock files of the programs that Freehold installs, and of what stands beside an app's Python server.

They name no registry, so that any will do.
"""
