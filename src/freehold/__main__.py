"""`python -m freehold` and the `freehold` program."""

from freehold.cli.main import main

if __name__ == "__main__":
    main()
