"""A dialect learned from a chat template alone: `learn`.

The one rule: what is returned was proved against the template; what could not be understood is said, and nothing is
returned for it. What no rendering shows (which texts are single tokens, where a model stops) is marked as guessed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:                                # not needed to import the rest of toolglot
    from .frame import Fact
    from .learned import Learned
    from .probe import LearnError
    from .prove import Proof

__all__ = ["Fact", "LearnError", "Learned", "Proof", "learn"]


def learn(source: str, *, bos: str = "", eos: str = "", name: str = "learned", prompts: bool = True) -> Learned:
    """The dialect that a chat template speaks, from its renderings alone.

    `source` is the template's text; `bos` and `eos` are what it is given for `bos_token` and `eos_token`. `prompts`: the
    prompt side, too, which takes longest. The template runs in a process of its own, with limits. Raises LearnError,
    which names what was not understood and shows it, and TemplateError for what is no template.
    """
    from .learned import learn_all

    return learn_all(source, bos=bos, eos=eos, name=name, prompts=prompts)


def __getattr__(name: str) -> Any:
    from importlib import import_module

    for module in ("learned", "probe", "frame", "prove"):
        if name in __all__ and hasattr(found := import_module(f".{module}", __name__), name):
            return getattr(found, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
