"""`python -m gateway`, the same as `circulation-gateway`."""

from gateway.cli import main

if __name__ == "__main__":
    main()
