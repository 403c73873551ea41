"""Who gives a command, for the records that keep it."""

from __future__ import annotations

import getpass


def somebody() -> str:
    """Who is at the keyboard, as the system knows them; a container may have no name for them."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # ImportError: Windows without a user in its environment
        return "somebody"
