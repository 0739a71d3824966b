# The command `python -m tapeless`: runs a program written for PyTorch.
"""`python -m tapeless program.py ARGS…`; see `tapeless._runner`."""

from tapeless._runner import main

if __name__ == "__main__":
    main()
