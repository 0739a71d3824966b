"""How much of what programs use exists: names and keywords counted in public programs, against the package."""
