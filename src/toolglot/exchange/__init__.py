"""Dialects from and for other people's files: JSON of our own, Python, and Hugging Face's `response_template`.

The one rule: what a form cannot say is refused with the reason, never said wrongly.
"""

from .dialect_json import DialectError, from_json, pretty, to_json
from .dialect_python import to_python
from .files import Imported, read_dialect
from .proof import broken, samples
from .response_import import from_response_template
from .response_template import Unsayable, limits, to_response_template

__all__ = ["DialectError", "Imported", "Unsayable", "broken", "from_json", "from_response_template", "limits",
           "pretty", "read_dialect", "samples", "to_json", "to_python", "to_response_template"]
