#!/usr/bin/env python
"""The operator's door: `manage.py help` lists what it opens."""

import os
import sys

from django.core.management import execute_from_command_line


def main() -> None:
    """Run the command line with the atlas's settings, unless others are asked for."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "atlas.settings")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
