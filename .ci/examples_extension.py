"""An extension of griffe, which reads our docstrings for the site.

We head an example with `Example:`, which griffe takes for a box of prose. It reads
`Examples:` as what it is: code and what the code prints.
"""

import re

import griffe


class Examples(griffe.Extension):
    """Heads examples as griffe expects it."""

    def on_instance(self, *, obj, **kwargs):
        """Called for every object that has been read."""
        if obj.docstring:
            text = obj.docstring.value
            obj.docstring.value = re.sub(r"^Example:$", "Examples:", text, flags=re.M)
