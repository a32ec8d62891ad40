"""What a template says that nobody asked it to.

The one rule: a sentence counts as the template's own only if no word of it was given.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass

from . import probes as p
from .text import shown
from .trial import Trial
from .voice import DAY

_MONTH = ("(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:tember)?|Oct(?:ober)?|"
          "Nov(?:ember)?|Dec(?:ember)?)")
_DATE = re.compile(rf"\b(?:\d{{4}}-\d\d-\d\d|\d{{1,2}}[ -]{_MONTH}[ ,-]+\d{{4}}"
                   rf"|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}"
                   r"|\d{1,2}[./]\d{1,2}[./]\d{4}|\d{4}[./]\d{1,2}[./]\d{1,2}|\d{4}年\d{1,2}月\d{1,2}日)")
_ENVIRONMENT = re.compile(r"^[^\n]{0,60}?(Environment: *\w[^\n]*)", re.M)
#: what begins a prompt in known vocabularies, where a tokenizer writes it once more
BEGINS = ("<|begin_of_text|>", "<s>", "<bos>", "<｜begin▁of▁sentence｜>", "<|startoftext|>", "<BOS_TOKEN>",
          "<|startofpiece|>")


@dataclass(frozen=True)
class Additions:
    """What stands in a prompt that nobody gave. `date` and `environment` are the lines."""

    date: str = ""
    clock: bool = False                          # the date is today's; else it is written into the template
    environment: str = ""
    default_system: str = ""                     # without a system message
    beside_system: str = ""                      # beside a given one
    bos: bool = False                            # it writes the token that tokenizers begin with


def additions_of(trial: Trial) -> Additions:
    told = trial.say("tools", p.TALK[:1], starts=True).text
    plain = trial.say("a system message", p.TALK[:1], None, starts=True).text
    alone = trial.say("no system message", p.TALK[:1], None, starts=True, system=False).text
    line, clock = "", False
    for text in (told, plain) if trial.system else (told, alone):    # a default message gives way to one that is given
        if found := _DATE.search(text):
            line, clock = _line(text, found.start()), _is_today(found[0])
            break
    environment = next((m for t in (told, plain) if (m := _ENVIRONMENT.search(t))), None)
    begins = (trial.voice.bos, *BEGINS) if trial.voice.bos else BEGINS
    return Additions(line, clock, environment[1].strip() if environment else "", _default(alone),
                     _beside(plain) if trial.system else "", (plain or alone).lstrip().startswith(begins))


def _line(text: str, at: int) -> str:
    """The line around a date, up to the marks in it."""
    start = max(text.rfind("\n", 0, at), text.rfind(">", 0, at)) + 1
    end = min((i for i in (text.find("\n", at), text.find("<", at)) if i >= 0), default=len(text))
    return shown(text[start:end], 100)


def _is_today(words: str) -> bool:
    day = datetime.date.fromisoformat(DAY)
    return all(part in words for part in (str(day.year), str(day.day))) and any(
        f"{day:{form}}" in words for form in ("%m", "%b", f"{day.month}月"))


def _default(text: str) -> str:
    """The words before the first question, where no system message was given."""
    head = re.sub(r"<[^<>\n]*>|\[[^\[\]\n]*\]", "\n", text.partition(p.ASKED[0])[0])
    lines = [line.strip() for line in head.split("\n") if len(re.findall(r"\w+", line)) >= 4]
    return " ".join(lines)


def _beside(text: str) -> str:
    """The words of the system turn that are not ours."""
    head, _, rest = text.partition(p.SYSTEM)
    return " ".join(filter(None, (_default(head), _default(rest.partition(p.ASKED[0])[0]))))
