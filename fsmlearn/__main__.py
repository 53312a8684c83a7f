"""`python -m fsmlearn` is `fsmlearn`."""

from fsmlearn.cli.app import main

if __name__ == "__main__":
    main()
