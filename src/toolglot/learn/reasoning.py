"""Reasoning: what stands around it, and the block of it that a history prints empty.

The one rule: a block with nothing in it belongs to what stands before a reply, never to the calls or words behind it.
"""

from __future__ import annotations

import re
from dataclasses import replace

from ..plan import strong
from ..spec import TEXT, Template
from .frame import Fact, Frame, Place
from .marked import markers
from .probe import Probe


def learn_reasoning(probe: Probe, frame: Frame) -> tuple[Frame, Template | None, list[Fact]]:
    """The template of reasoning: as history shows it, else as the prompt's own opener and the source tell."""
    thought = probe.word("thought")
    for end, reply in (("answer", probe.assistant(reasoning=thought)),
                       ("name", probe.assistant(probe.call(), reasoning=thought))):
        for followed in (False, True):
            text = Place(probe, followed).attempt(reply) or ""
            before, found, rest = text.partition(thought)
            if not found or not before.startswith(frame.header) or probe.word(end) not in rest:
                continue
            behind = rest[:rest.index(probe.word(end))]
            if marks := markers(behind):                         # what opens words or calls stands behind it
                at = behind.index(marks[0]) + len(marks[0])
                behind = behind[:at] + behind[at:at + len(behind[at:]) - len(behind[at:].lstrip())]
            taken, opener = _from_header(frame, before[len(frame.header):], behind)
            if strong(opener) and strong(behind):
                return taken, (opener, TEXT, behind), [
                    Fact(f"reasoning between {opener!r} and {behind!r}", True, text)]
    return _told(probe, frame)


def _from_header(frame: Frame, opener: str, behind: str) -> tuple[Frame, str]:
    """An opener of reasoning that stands in front of every reply is the reasoning's own."""
    close = re.match(r"\s*</(\w[^<>]*)>", behind)
    if opener.strip() or not close or not (m := re.search(rf"<{re.escape(close[1])}>\s*$", frame.header)):
        return frame, opener
    moved = replace(frame, header=frame.header[:m.start()], opened=m[0] + frame.opened, said=m[0] + frame.said)
    return replace(moved, called=re.sub(rf"<{re.escape(close[1])}>\s*$", "", frame.called)), m[0] + opener


def _told(probe: Probe, frame: Frame) -> tuple[Frame, Template | None, list[Fact]]:
    """No history shows reasoning: a prompt that opens a block whose closer the source knows tells of it."""
    texts = (frame.opened, *probe.names.texts)
    for text in texts:
        for word in re.findall(r"<([\w:]*(?:think|reason|thought)[\w:]*)>", text):
            if any(f"</{word}>" in t for t in texts):
                lead = "\n" if f"<{word}>\n" in text else ""
                template = (f"<{word}>{lead}", TEXT, f"{lead}</{word}>{lead * 2}")
                return frame, template, [Fact(f"reasoning between <{word}> and </{word}>", False, "no history shows it")]
    return frame, None, [Fact("no reasoning", False, "no history shows any")]


def without_empty(frame: Frame, reasoning: Template | None, before_call: str) -> Frame:
    """The frame with every empty block of reasoning, or its mere closer, in the headers."""
    rest = before_call[len(frame.called):]
    called = frame.called + rest[:empty_block(reasoning, rest)]
    rest = before_call[len(called):]
    called += rest[:len(rest) - len(rest.lstrip())]
    return replace(frame, called=called, said=frame.said[empty_block(reasoning, frame.said):])


def empty_block(reasoning: Template | None, text: str) -> int:
    """How much of a text is a block of reasoning with nothing in it."""
    if not reasoning:
        return 0
    opener, closer = str(reasoning[0]), str(reasoning[-1])
    m = re.match(rf"\s*(?:{re.escape(opener.strip())})?\s*{re.escape(closer.strip())}", text)
    if not m:
        return 0
    end, trail = m.end(), closer[len(closer.rstrip()):]
    return end + len(trail) if text.startswith(trail, end) else end
