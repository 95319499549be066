"""`python -m daemon` and the console script `yemotd`."""

from daemon.cli.main import main

if __name__ == "__main__":
    main()
