"""Conversations of more than one reply: results, what they lead to, errors; and what no tool is needed for, or lacks.

The one rule: what is right at a step is known from what stands before it in the conversation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..item import Step
from . import everyday as every
from .drawn import CITIES, Dice, Drawn, amount, call, day, number, place, spelled, text, tool, whole
from .typed import PEOPLE, mail

Tools = tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Talk:
    """A conversation: the first question, the tools, and the steps."""

    ask: str
    tools: Tools
    steps: tuple[Step, ...]


def user(words: str) -> Mapping[str, Any]:
    return {"role": "user", "content": words}


def asked(ask: str) -> str:
    """An order as a sentence of its own; a text that stands on lines of its own gets no full stop."""
    return ask[:1].upper() + ask[1:] + ("" if "\n" in ask else ".")


# -- one thing after another -----------------------------------------------------------------------------------


def again(scenario: Callable[[Dice], Drawn]) -> Callable[[Dice], Talk]:
    """A request, its result, an answer; then the same kind of request once more."""
    def drawn(dice: Dice) -> Talk:
        first, second = _two(scenario, dice)
        return Talk(asked(first.ask), (first.tool,), (
            Step((first.call,), results=(first.result,)),
            Step(words=first.told, then=(user(f"Thank you. Now {second.ask}."),)),
            Step((second.call,), results=(second.result,)),
            Step(words=second.told)))
    return drawn


def _two(scenario: Callable[[Dice], Drawn], dice: Dice) -> tuple[Drawn, Drawn]:
    """Two that ask for different things, and are answered differently."""
    first, second = scenario(dice), scenario(dice)
    while second.call == first.call or set(second.told) & set(first.told):
        second = scenario(dice)
    return first, second


FIND = tool("find_contact", "Find a person's e-mail address.", {"name": text("Full name")})
SEND = tool("send_email", "Send an e-mail.", {"to": text("E-mail address"), "subject": text("Subject")})


def letter(dice: Dice) -> Talk:
    name, subject = dice.pick(PEOPLE), dice.pick(("Invoice", "Holiday plans", "Minutes of Monday"))
    address = mail(name).replace("@", f"{dice.whole(10, 99)}@")          # nobody can guess it
    ask = f'Find the e-mail address of {name}, and then send an e-mail with the subject "{subject}" to it.'
    return Talk(ask, (FIND, SEND), (
        Step((call(FIND, name=spelled(name)),), results=({"name": name, "email": address},)),
        Step((call(SEND, to=address, subject=spelled(subject)),), results=({"status": "sent"},)),
        Step(words=("sent", "delivered", "emailed"))))


OFFERS = tool("search_flights", "Search for flights between two cities.", {
    "origin": text("City"), "destination": text("City"), "date": text("As YYYY-MM-DD")})
BOOK = tool("book_flight", "Book a flight.", {"flight_id": text("Id of the flight, from the search")})


def cheapest(dice: Dice) -> Talk:
    (a, b), (said, date) = dice.several(CITIES, 2), day(dice)
    ids = [f"F{dice.whole(100, 399)}", f"F{dice.whole(400, 699)}", f"F{dice.whole(700, 999)}"]
    prices = dice.several((129, 154, 187, 215, 248, 302), 3)
    found = [{"flight_id": one, "price": price} for one, price in zip(ids, prices, strict=True)]
    best, code = ids[prices.index(min(prices))], f"R{dice.whole(10000, 99999)}"
    return Talk(f"Search for flights from {a[0]} to {b[0]} on {said}, and then book the cheapest one.", (OFFERS, BOOK), (
        Step((call(OFFERS, origin=place(a), destination=place(b), date=date),), results=({"flights": found},)),
        Step((call(BOOK, flight_id=best),), results=({"booked": best, "reference": code},)),
        Step(words=(code, best, "booked"))))


PURCHASE = tool("get_order", "Look up an order.", {"order_id": whole("Number of the order")})
REFUND = tool("refund_payment", "Pay money back.", {"payment_id": text("Id of the payment"), "amount": number("In euros")})


def refund(dice: Dice) -> Talk:
    which, payment, sum_ = dice.whole(1000, 9999), f"pay_{dice.whole(10000, 99999)}", dice.whole(1000, 9000) / 100
    return Talk(f"Look up order {which}, and then pay its whole amount back.", (PURCHASE, REFUND), (
        Step((call(PURCHASE, order_id=which),), results=({"order_id": which, "payment_id": payment, "amount": sum_},)),
        Step((call(REFUND, payment_id=payment, amount=sum_),), results=({"status": "refunded", "amount": sum_},)),
        Step(words=(*amount(sum_), "refunded", "refund", "paid back"))))


HERE = tool("get_device_city", "Find out in which city a device is.", {"device": text("Name of the device")})


def there(dice: Dice) -> Talk:
    device, city, weather = dice.pick(("tablet", "camper van", "sailing boat")), dice.pick(CITIES), every.forecast(dice)
    days = dice.whole(2, 7)
    ask = f"Find out in which city my {device} is, and then get the weather forecast for it for the next {days} days."
    return Talk(ask, (HERE, every.FORECAST), (
        Step((call(HERE, device=spelled(device, f"my {device}")),), results=({"city": city[0]},)),
        Step((call(every.FORECAST, city=place(city), days=days),), results=(weather.result,)),
        Step(words=weather.told)))


TALKS: tuple[Callable[[Dice], Talk], ...] = (
    letter, cheapest, refund, there, again(every.currency), again(every.package), again(every.employee), again(every.share),
    again(every.hotel), again(every.travel))

# -- errors ----------------------------------------------------------------------------------------------------

FAILED = ("not found", "no such", "not find", "couldn't", "could not", "can't", "cannot", "unable", "error", "not exist",
          "doesn't exist", "unknown", "invalid", "failed", "not able", "wasn't able", "no package", "no employee",
          "no flight", "no share", "no song", "no record", "isn't", "is not", "sorry", "unfortunately", "didn't", "did not")
FAILURES: tuple[tuple[Callable[[Dice], Drawn], str], ...] = (
    (every.package, "no package has this tracking number"), (every.employee, "no employee has this number"),
    (every.flight, "no flight has this number on this day"), (every.share, "no share has this symbol"),
    (every.song, "no song of this title was found"))


def told(number: int) -> Callable[[Dice], Talk]:
    """A call that fails, and the user is told so."""
    scenario, reason = FAILURES[number]

    def drawn(dice: Dice) -> Talk:
        one = scenario(dice)
        return Talk(asked(one.ask), (one.tool,), (Step((one.call,), results=({"error": reason},)), Step(words=FAILED)))
    return drawn


def mended(number: int) -> Callable[[Dice], Talk]:
    """The same, and then the user asks for something else, which is there."""
    scenario, reason = FAILURES[number]

    def drawn(dice: Dice) -> Talk:
        first, second = _two(scenario, dice)
        return Talk(asked(first.ask), (first.tool,), (
            Step((first.call,), results=({"error": reason},)),
            Step(words=FAILED, then=(user(f"Sorry, that was my mistake. Please {second.ask}."),)),
            Step((second.call,), results=(second.result,)),
            Step(words=second.told)))
    return drawn


ERRORS: tuple[Callable[[Dice], Talk], ...] = (*(told(i) for i in range(5)), *(mended(i) for i in range(5)))

# -- nothing to call -------------------------------------------------------------------------------------------

KNOWN: tuple[tuple[str, Sequence[str]], ...] = (
    ("What is the capital of Japan?", ("Tokyo",)),
    ("How many days does a week have?", ("7", "seven")),
    ("What color do you get when you mix blue and yellow paint?", ("green",)),
    ("Who wrote Romeo and Juliet?", ("Shakespeare",)),
    ("What is 2 plus 3?", ("5", "five")),
    ('How do you say "thank you" in French?', ("merci",)),
    ("Which planet is known as the red planet?", ("Mars",)),
    ("What is the opposite of hot?", ("cold",)),
    ("What is the first month of the year?", ("January",)),
    ("How many legs does a spider have?", ("8", "eight")),
    ('Which animal says "meow"?', ("cat", "cats", "kitten")),
    ('What is the plural of "mouse", the animal?', ("mice",)),
    ("In which country is the Eiffel Tower?", ("France",)),
    ("What is water made of when it is frozen: ice or steam?", ("ice",)),
    ("Which is larger, an elephant or a mouse?", ("elephant",)),
    ("Thank you, that is all for today!", ("welcome", "glad", "pleasure", "happy", "great day", "nice day", "good day",
                                           "goodbye", "bye", "anytime", "thank you", "take care", "wonderful day")))


def known(number: int) -> Callable[[Dice], Talk]:
    """What anybody knows, and tools that have nothing to do with it."""
    def drawn(dice: Dice) -> Talk:
        question, words = KNOWN[number]
        return Talk(question, tuple(dice.several(every.IDLE, 4)), (Step(words=tuple(words)),))
    return drawn


# what is asked for, with which tool, and by which words the reply may ask for what is missing
LACKING: tuple[tuple[str, Mapping[str, Any], str], ...] = (
    ("Get me the weather forecast for the next 3 days.", every.FORECAST, "city|where|location|place"),
    ("Convert 200 euros, please.", every.CONVERT, "currency|currencies"),
    ("Start a timer.", every.TIMER, "how long|how many minutes|duration|how much time|what length"),
    ("Book a table at Blue Heron for 14 May 2027 at 19:30.", every.TABLE, "people|guests|how many|party|persons"),
    ('Translate "good morning", please.', every.TRANSLATE, "language|languages"),
    ("Look up the price of a share for me.", every.SHARE,
     "symbol|ticker|which share|which company|which stock|what share|what stock|what company|name of the"),
    ("Set the light to 40 percent.", every.LIGHT, "room|rooms|which light|where"),
    ("Where is my package?", every.TRACK, "number|tracking"),
    ("Look up an employee.", every.EMPLOYEE, "number|id|which employee|what employee|who|name of the"),
    ("Calculate the body mass index of someone who is 170 cm tall.", every.BODY, "weight|weigh|weighs|heavy"),
    ("Is my flight delayed?", every.FLIGHT, "number|date|which flight|flight code"),
    ("Find out how long it takes to drive to Oslo.", every.TRAVEL,
     "origin|where|start|starting|departure|which city|what city|location"),
    ("Find me a hotel for at most 90 euros a night.", every.HOTELS, "city|where|location|place|destination"),
    ("Create a reminder to pay the rent.", every.REMIND, "date|when|day"))


def lacking(number: int) -> Callable[[Dice], Talk]:
    """A tool is there, and a parameter that it requires is not said: nothing may be made up."""
    def drawn(dice: Dice) -> Talk:
        question, lacks, words = LACKING[number]
        return Talk(question, (lacks,), (Step(words=tuple(words.split("|"))),))
    return drawn


NONE: tuple[Callable[[Dice], Talk], ...] = tuple(known(i) for i in range(len(KNOWN)))
MISSING: tuple[Callable[[Dice], Talk], ...] = tuple(lacking(i) for i in range(len(LACKING)))
