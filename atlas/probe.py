"""Asks an address of a service whether all is well, from inside its container, which has neither curl nor wget."""

import sys
import urllib.error
import urllib.request


def main(url: str) -> int:
    """0 when it answers with 200; else 1, with what it said."""
    try:
        with urllib.request.urlopen(url, timeout=4) as answer:  # noqa: S310 - the address is on the command line
            return 0 if answer.status == 200 else 1
    except urllib.error.HTTPError as error:
        print(error.read(500).decode(errors="replace"))  # noqa: T201 - shown with the state of the container
    except OSError as error:
        print(error)  # noqa: T201
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
