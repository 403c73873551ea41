"""``python -m connector.sentences``: docs/errors.md on standard output."""

from __future__ import annotations

import sys

from connector.sentences.document import document

if __name__ == "__main__":
    sys.stdout.write(document())
