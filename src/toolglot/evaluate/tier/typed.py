"""Requests that try the types of arguments: nested ones, and those of a fixed set or within bounds.

The one rule: every value stands in the request, or in the tool's description of it.
"""

from __future__ import annotations

from .drawn import (
    Dice,
    Drawn,
    Scenario,
    call,
    clock,
    day,
    flag,
    members,
    number,
    one_of,
    some,
    spelled,
    text,
    tool,
    whole,
)

# -- nested and typed ------------------------------------------------------------------------------------------

PEOPLE = ("Nora Lind", "Samir Patel", "Ewa Nowak", "Diego Silva", "Aiko Mori", "Femi Ade")


def mail(name: str) -> str:
    return name.lower().replace(" ", ".") + "@example.org"


EVENT = tool("create_event", "Put an event into the calendar.", {
    "title": text("Title of the event"),
    "start": members("When it begins", date=text("As YYYY-MM-DD"), time=text("As HH:MM")),
    "attendees": some(text(), "E-mail addresses"), "online": flag("Whether it is held online")})


def event(dice: Dice) -> Drawn:
    title = dice.pick(("Budget review", "Design workshop", "Team lunch"))
    (said, date), (time, _) = day(dice), clock(dice, 10)
    who, online = [mail(one) for one in dice.several(PEOPLE, 2)], dice.pick((True, False))
    return Drawn(EVENT, f'put an event with the title "{title}" into the calendar, on {said} at {time}, with {who[0]} and '
                 f"{who[1]}, {'held online' if online else 'not online'}",
                 call(EVENT, title=spelled(title), start={"date": date, "time": time}, attendees=(who, who[::-1]),
                      online=online))


ORDER = tool("place_order", "Order goods for a customer.", {
    "customer": members(name=text("Full name"), email=text("E-mail address")),
    "lines": some(members(sku=text("Number of the article"), quantity=whole("How many", minimum=1)), "What is ordered")})


def order(dice: Dice) -> Drawn:
    name, (a, b) = dice.pick(PEOPLE), dice.several(("LAMP-40", "DESK-12", "CHAIR-7", "SHELF-3"), 2)
    lines = [{"sku": a, "quantity": dice.whole(1, 9)}, {"sku": b, "quantity": dice.whole(1, 9)}]
    return Drawn(ORDER, f"order {lines[0]['quantity']} of the article {a} and {lines[1]['quantity']} of the article {b} "
                 f"for {name}, whose e-mail address is {mail(name)}",
                 call(ORDER, customer={"name": name, "email": mail(name)}, lines=(lines, lines[::-1])))


FILTER = tool("filter_products", "Show the products that fit.", {
    "category": text("Category"), "price": members("In euros", min=number(), max=number()),
    "in_stock": flag("Whether only what is in stock is shown")})


def products(dice: Dice) -> Drawn:
    what, low = dice.pick(("headphones", "backpacks", "bicycles")), dice.whole(2, 9) * 10
    high, stock = low + dice.whole(3, 20) * 10, dice.pick((True, False))
    return Drawn(FILTER, f"show the products in the category {what} that cost between {low} and {high} euros, "
                 f"{'only what is in stock' if stock else 'also what is not in stock'}",
                 call(FILTER, category=spelled(what), price={"min": low, "max": high}, in_stock=stock))


CONTACT = tool("add_contact", "Add a person to the contacts.", {
    "name": members(first=text(), last=text()),
    "phones": some(members(kind=one_of("home", "work", "mobile"), number=text("Digits only")), "Their telephone numbers")})


def contact(dice: Dice) -> Drawn:
    first, last = dice.pick(PEOPLE).split()
    a, b = dice.several(("home", "work", "mobile"), 2)
    one, two = dice.whole(5550100, 5550199), dice.whole(5550200, 5550299)
    phones = [{"kind": a, "number": str(one)}, {"kind": b, "number": str(two)}]
    return Drawn(CONTACT, f"add {first} {last} to the contacts, with the {a} number {one} and the {b} number {two}",
                 call(CONTACT, name={"first": first, "last": last}, phones=(phones, phones[::-1])))


LAMP = tool("set_lamp_color", "Give a lamp a color.", {
    "lamp": whole("Number of the lamp"), "rgb": some(whole(minimum=0, maximum=255), "Red, green and blue", minItems=3,
                                                    maxItems=3)})


def lamp(dice: Dice) -> Drawn:
    which, (r, g, b) = dice.whole(1, 40), [dice.whole(0, 255) for _ in range(3)]
    return Drawn(LAMP, f"set lamp {which} to the color with red {r}, green {g} and blue {b}",
                 call(LAMP, lamp=which, rgb=([r, g, b],)))


ROBOT = tool("move_robot", "Drive the robot along points.", {
    "path": some(members(x=number(), y=number()), "The points, in order"), "speed": number("Metres a second")})


def robot(dice: Dice) -> Drawn:
    points = [{"x": dice.whole(-9, 9), "y": dice.whole(-9, 9)} for _ in range(3)]
    speed = dice.whole(1, 9) / 4
    said = ", then ".join(f"x {one['x']} and y {one['y']}" for one in points)
    return Drawn(ROBOT, f"drive the robot to {said}, at {speed:g} metres a second",
                 call(ROBOT, path=(points,), speed=speed))


DISCOUNT = tool("set_discount", "Set the discount of a product.", {
    "product_id": whole("Number of the product"), "percent": {"type": ["number", "null"], "description":
                                                              "The discount in percent; null for none"}})


def discount(dice: Dice) -> Drawn:
    product, percent = dice.whole(100, 999), dice.pick((None, 12.5, 7.5))
    ask = f"take the discount off product {product}, so that it has none" if percent is None else \
        f"set the discount of product {product} to {percent} percent"
    return Drawn(DISCOUNT, ask, call(DISCOUNT, product_id=product, percent=percent))


GRID = tool("transpose_matrix", "Swap the rows and columns of a matrix.", {
    "rows": some(some(number()), "The matrix, row by row")})


def matrix(dice: Dice) -> Drawn:
    rows = [[dice.whole(-20, 20) for _ in range(2)] for _ in range(3)]
    said = "; ".join(f"{a}, {b}" for a, b in rows)
    return Drawn(GRID, f"transpose the matrix that has the three rows {said}", call(GRID, rows=(rows,)))


NESTED: tuple[Scenario, ...] = (event, order, products, contact, lamp, robot, discount, matrix)

# -- fixed sets and ranges -------------------------------------------------------------------------------------

FAN = tool("set_fan", "Let the fan run.", {
    "speed": one_of("low", "medium", "high"), "minutes": whole("How long", minimum=1, maximum=240)})


def fan(dice: Dice) -> Drawn:
    speed, minutes = dice.pick(("low", "medium", "high")), dice.whole(2, 24) * 10
    return Drawn(FAN, f"let the fan run at {speed} speed for {minutes} minutes", call(FAN, speed=speed, minutes=minutes))


COFFEE = tool("order_coffee", "Order a coffee.", {
    "size": one_of("small", "medium", "large"), "milk": one_of("none", "whole", "oat", "soy"),
    "shots": whole("Shots of espresso", minimum=1, maximum=4)})


def coffee(dice: Dice) -> Drawn:
    size, milk = dice.pick(("small", "medium", "large")), dice.pick(("none", "whole", "oat", "soy"))
    shots = dice.whole(2, 4)
    said = "without milk" if milk == "none" else f"with {milk} milk"
    return Drawn(COFFEE, f"order a {size} coffee {said} and with {shots} shots of espresso",
                 call(COFFEE, size=size, milk=milk, shots=shots))


TICKET = tool("set_ticket_priority", "Set how urgent a ticket is.", {
    "ticket": whole("Number of the ticket"),
    "priority": one_of("P1", "P2", "P3", "P4", about="P1 is the most urgent, P4 the least")})


def ticket(dice: Dice) -> Drawn:
    which, (said, level) = dice.whole(100, 9999), dice.pick((("most", "P1"), ("least", "P4")))
    return Drawn(TICKET, f"set ticket {which} to the priority for the {said} urgent tickets",
                 call(TICKET, ticket=which, priority=level))


SEAT = tool("reserve_seat", "Reserve a seat on a train.", {
    "train": text("Number of the train"), "travel_class": one_of("first", "second"),
    "position": one_of("window", "aisle")})


def seat(dice: Dice) -> Drawn:
    train, class_, where = f"IC{dice.whole(100, 999)}", dice.pick(("first", "second")), dice.pick(("window", "aisle"))
    return Drawn(SEAT, f"reserve {'an' if where == 'aisle' else 'a'} {where} seat in {class_} class on train {train}",
                 call(SEAT, train=(train, f"{train[:2]} {train[2:]}"), travel_class=class_, position=where))


RATING = tool("rate_movie", "Give a movie stars.", {
    "title": text("Title of the movie"), "stars": whole("From 1 to 5", minimum=1, maximum=5)})


def rating(dice: Dice) -> Drawn:
    title, stars = dice.pick(("Winter Harbour", "The Last Orchard", "Signal Nine")), dice.whole(2, 5)
    return Drawn(RATING, f'give the movie "{title}" {stars} stars', call(RATING, title=spelled(title), stars=stars))


INBOX = tool("sort_inbox", "Sort the mail in the inbox.", {
    "by": one_of("date", "sender", "subject", "size"), "direction": one_of("ascending", "descending")})


def inbox(dice: Dice) -> Drawn:
    by, direction = dice.pick(("sender", "subject", "size", "date")), dice.pick(("ascending", "descending"))
    return Drawn(INBOX, f"sort the inbox by {by}, in {direction} order", call(INBOX, by=by, direction=direction))


VOLUME = tool("set_volume", "Set how loud a loudspeaker is.", {
    "speaker": one_of("left", "right", "both"), "level": whole("From 0 to 11", minimum=0, maximum=11)})


def volume(dice: Dice) -> Drawn:
    speaker, level = dice.pick(("left", "right")), dice.whole(1, 11)
    return Drawn(VOLUME, f"set the {speaker} loudspeaker to volume {level}", call(VOLUME, speaker=speaker, level=level))


BOUNDED: tuple[Scenario, ...] = (fan, coffee, ticket, seat, rating, inbox, volume)
