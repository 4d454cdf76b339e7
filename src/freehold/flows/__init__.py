"""What an owner can ask for, one file each. Read these first."""
