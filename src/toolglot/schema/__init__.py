"""A tool's JSON schema, and the values that a model writes for it: read, checked, mended.

Reading (`read_text`) and checking (`validate`) change nothing; `coerce` makes the changes that cannot lose meaning,
and says each of them.
"""

from .coerce import KINDS, Change, coerce, fit
from .types import inside, pointed, read_text, resolve, type_name, types_of
from .validate import explain, is_valid, validate, validate_answer

__all__ = ["KINDS", "Change", "coerce", "explain", "fit", "inside", "is_valid", "pointed", "read_text", "resolve",
           "type_name", "types_of", "validate", "validate_answer"]
