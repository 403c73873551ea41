"""What the sandbox expects of each make-believe vendor."""

from typing import Protocol

from flask import Blueprint, Flask


class Vendor(Protocol):
    """One vendor: its public API, and what people or the world do there."""

    name: str

    def app(self) -> Flask:
        """The vendor's public API, served on a port of its own."""
        ...

    def control(self) -> Blueprint:
        """What a person could do in the vendor's web page, mounted at /control/<name>."""
        ...
