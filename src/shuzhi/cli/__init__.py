"""The command line: it reads arguments, calls the use cases and prints; it decides nothing."""


def main() -> None:
    """Run the command line."""
