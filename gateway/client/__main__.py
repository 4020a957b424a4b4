"""`python -m gateway.client`: the command line `supportagent`."""

from gateway.client.cli import main

if __name__ == "__main__":
    main()
