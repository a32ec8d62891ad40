"""Chat templates: `environment` runs one as its trainers do, `apart` in a process of its own, `framed` as the frame of a
zero-shot dialect."""

from .apart import Apart
from .environment import TemplateError, TemplateLimit, compiled, run
from .framed import framed

__all__ = ["Apart", "TemplateError", "TemplateLimit", "compiled", "framed", "run"]
