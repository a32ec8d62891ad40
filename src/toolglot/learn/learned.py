"""All of it together: a chat template in, a proved dialect and what is known of it out.

The one rule: nothing is returned that was not held against the template.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

from ..chat_template import TemplateError
from ..registry import cards, detect
from ..spec import Dialect
from .frame import Fact
from .limits import sentences
from .probe import LearnError, Manner, Probe
from .prove import Proof, prove_reply, reads
from .reply import ReplySide, learn_reply
from .turns import Facts, learn_turns


@dataclass(frozen=True)
class Learned:
    """A dialect, what is known of it and how surely, and what it was held against.

    `dialect.turns` is None where the prompt side was not learned: `unlearned` says why. `opened` is what of a reply the
    template's prompts have written already. `known`: the registry's dialect that the template is one of, if it is.
    """

    dialect: Dialect
    facts: tuple[Fact, ...]
    proof: Proof
    opened: str = ""
    unlearned: str = ""
    known: str = ""
    manner: Manner = field(default_factory=Manner)
    side: ReplySide | None = field(default=None, repr=False, compare=False)
    prompts: Facts | None = field(default=None, repr=False, compare=False)

    switches: tuple[str, ...] = ()               # its variables that ask for reasoning, or for none

    @property
    def guessed(self) -> tuple[Fact, ...]:
        return tuple(f for f in self.facts if not f.sure)


def learn_all(source: str, *, bos: str, eos: str, name: str, prompts: bool) -> Learned:
    with Probe(source, bos=bos, eos=eos) as probe:
        side = learn_reply(probe, name)
        proof = prove_reply(probe, side)
        dialect, unlearned, told = side.dialect, "", None
        if prompts:
            try:
                turns, told = learn_turns(probe, dialect, side.header, side.closer)
                dialect = replace(dialect, turns=turns)
            except (LearnError, TemplateError) as error:
                unlearned = str(error)
        facts = (*side.facts, *_proved(proof), *_prompted(told))
        return Learned(dialect, facts, proof, side.opened, unlearned, _known(probe, side), probe.manner, side, told,
                       tuple(sorted({"enable_thinking", "thinking"} & probe.names.variables)))


def _proved(proof: Proof) -> list[Fact]:
    said = [Fact(f"{proof.calls} calls in {proof.replies} replies are read back, whole and in pieces", True),
            Fact(f"{proof.exact} of {proof.replies} replies are written byte for byte", True, proof.difference)]
    if proof.broken:
        said.append(Fact(f"the template itself breaks {', '.join(proof.broken)}", True))
    if proof.unspoken:
        said.append(Fact("answers in words are not read back as history tells them", False, proof.unspoken))
    return said


def _prompted(told: Facts | None) -> list[Fact]:
    if told is None:
        return []
    without = "".join(f"; {s}" for s in sentences(told.limits))
    return [Fact(f"prompts of {told.tried} conversations are the template's, byte for byte{without}", True),
            *(Fact(s, True) for s in told.sure), *(Fact(s, False) for s in told.guessed)]


def _known(probe: Probe, side: ReplySide) -> str:
    """The registry's dialect that this template gives away, if it reads what the template writes."""
    found = detect(probe.source)
    return found.dialect.name if found and reads(probe, side, cards()[found.dialect.name].dialect) else ""


_KEPT: dict[tuple[str, str, str], Learned | LearnError] = {}


def remembered(source: str, bos: str, eos: str) -> Learned:
    """The reply side of a template's dialect, learned once. Raises LearnError, the same one each time."""
    key = (hashlib.sha256(source.encode("utf-8", "replace")).hexdigest(), bos, eos)
    if key not in _KEPT:
        if len(_KEPT) >= 64:
            _KEPT.pop(next(iter(_KEPT)))
        try:
            _KEPT[key] = learn_all(source, bos=bos, eos=eos, name="learned", prompts=False)
        except (LearnError, TemplateError) as error:
            _KEPT[key] = LearnError(str(error))
    if isinstance(found := _KEPT[key], LearnError):
        raise found
    return found
