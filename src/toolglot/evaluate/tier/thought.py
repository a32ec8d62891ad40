"""Requests with an argument that has to be worked out first.

The one rule: all that it is worked out from stands in the request, and a child could do it.
"""

from __future__ import annotations

from .drawn import Dice, Drawn, Scenario, call, number, one_of, spelled, text, tool, whole

ALARM = tool("set_alarm", "Set an alarm.", {"time": text("As HH:MM, 24 hours")})
NOTICE = tool("create_reminder", "Create a reminder for a day.", {"text": text("What to be reminded of"),
                                                                 "date": text("As YYYY-MM-DD")})
COUNT = tool("set_stock", "Set how many of an article are in stock.", {"article": text("The article"),
                                                                       "count": whole("How many")})
TIMED = tool("set_timer", "Start a kitchen timer.", {"minutes": whole("How long, in minutes")})
SEATS = tool("buy_tickets", "Buy tickets for the museum.", {"adults": whole("How many adults"),
                                                            "children": whole("How many children")})
PAY = tool("transfer_money", "Transfer money to someone.", {"to": text("Who gets it"), "amount": number("In euros")})
BUY = tool("buy_article", "Buy an article.", {"article": text("The article")})
SWITCH = tool("switch_on", "Switch a device on.", {"device": one_of("lamp", "heater")})


def arrival(dice: Dice) -> Drawn:
    hour, minute, takes = dice.whole(10, 20), dice.pick((5, 10, 20)), dice.pick((45, 50, 55))
    then = hour * 60 + minute + takes
    times = (f"{then // 60:02}:{then % 60:02}",)
    ask = f"set an alarm for when my train arrives: it leaves at {hour}:{minute:02} and takes {takes} minutes"
    return Drawn(ALARM, ask, call(ALARM, time=times))


def week(dice: Dice) -> Drawn:
    start = dice.whole(1, 20)
    return Drawn(NOTICE, f"remind me to call the bank exactly one week after {start} March 2027",
                 call(NOTICE, text=spelled("call the bank", "call bank", "call the bank.", "to call the bank"),
                      date=f"2027-03-{start + 7:02}"))


def eggs(dice: Dice) -> Drawn:
    boxes, used = dice.whole(3, 6), dice.whole(2, 9)
    return Drawn(COUNT, f"set the stock of eggs: there were {boxes} boxes of 12 eggs, and {used} eggs have been used",
                 call(COUNT, article=spelled("eggs", "egg"), count=boxes * 12 - used))


def half(dice: Dice) -> Drawn:
    minutes = dice.whole(2, 9) * 10
    return Drawn(TIMED, f"start a timer that runs half as long as a film of {2 * minutes} minutes",
                 call(TIMED, minutes=minutes))


def family(dice: Dice) -> Drawn:
    own, guests = dice.whole(2, 4), dice.whole(1, 3)
    return Drawn(SEATS, f"buy tickets for the museum for my wife and me, our {own} children and {guests} "
                 f"{'friend' if guests == 1 else 'friends'} of theirs, all of them children too",
                 call(SEATS, adults=2, children=own + guests))


def third(dice: Dice) -> Drawn:
    share = dice.whole(20, 90)
    who = dice.pick(("Mina", "Karl", "Rosa"))
    return Drawn(PAY, f"transfer a third of {3 * share} euros to {who}", call(PAY, to=who, amount=share))


def cheaper(dice: Dice) -> Drawn:
    (a, b), price, more = dice.several(("teapot", "kettle", "blender"), 2), dice.whole(20, 60), dice.whole(3, 9)
    return Drawn(BUY, f"buy the cheaper one: the {a} costs {price + more} euros, and the {b} costs {price}",
                 call(BUY, article=spelled(b, f"the {b}")))


def condition(dice: Dice) -> Drawn:
    degrees = dice.pick((9, 12, 14, 24, 26, 29))
    return Drawn(SWITCH, "switch on the heater if it is colder than 20 degrees in here, and the lamp otherwise; it is "
                 f"{degrees} degrees", call(SWITCH, device="heater" if degrees < 20 else "lamp"))


THOUGHT: tuple[Scenario, ...] = (arrival, week, eggs, half, family, third, cheaper, condition)
