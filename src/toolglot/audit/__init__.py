"""What a chat template does with tools, seen from outside: probed with conversations, reported with evidence, rated.

The one rule: a finding is read off what the template printed, never off its source, and says where.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:                                # half of the rooms, and not needed to import the other half
    from .report import Audit

__all__ = ["audit"]


def audit(source: str | os.PathLike[str], *, template: str | None = None, bos: str | None = None,
          eos: str | None = None) -> Audit:
    """The report card of a chat template, a rating among it.

    `source` is the text of a Jinja template, or the path of one, of a tokenizer_config.json, a model folder or a GGUF
    file, or a dialect's name. `template` names one of several that the source may hold; without it, the one that
    transformers takes where there are tools. `bos` and `eos` are the template's tokens, where the source does not tell
    them. The template runs in a process of its own, with limits. Raises SourceError: there is no template in it.
    """
    from .report import report
    from .source import open_source

    return report(open_source(source, template=template, bos=bos, eos=eos))
