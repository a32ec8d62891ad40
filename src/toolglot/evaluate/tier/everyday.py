"""Everyday requests, each of which asks for exactly one call of one tool.

The one rule: a person who reads the request and the tool writes the same call, up to the spellings that are listed.
"""

from __future__ import annotations

from .drawn import (
    CITIES,
    Dice,
    Drawn,
    Scenario,
    amount,
    call,
    clock,
    day,
    number,
    one_of,
    place,
    spelled,
    text,
    tool,
    whole,
)

FORECAST = tool("get_forecast", "Get the weather forecast of a city.", {
    "city": text("Name of the city"), "days": whole("How many days ahead", minimum=1, maximum=14)})


def forecast(dice: Dice) -> Drawn:
    city, days = dice.pick(CITIES), dice.whole(2, 10)
    sky, high = dice.pick(("rain", "snow", "fog", "sunshine")), dice.whole(11, 29)
    return Drawn(FORECAST, f"get the weather forecast for {city[0]} for the next {days} days",
                 call(FORECAST, city=place(city), days=days), {"sky": sky, "high_celsius": high}, (sky, str(high)))


MONEY = {"US dollars": "USD", "euros": "EUR", "Japanese yen": "JPY", "British pounds": "GBP", "Swiss francs": "CHF",
         "Canadian dollars": "CAD", "Indian rupees": "INR"}
CONVERT = tool("convert_currency", "Convert an amount of money into another currency.", {
    "amount": number("The amount to convert"), "from_currency": text("Three-letter code, such as USD"),
    "to_currency": text("Three-letter code, such as EUR")})


def currency(dice: Dice) -> Drawn:
    (a, b), sum_ = dice.several(list(MONEY), 2), dice.whole(2, 40) * 25
    came = round(sum_ * dice.whole(2, 9) * 1.25, 2)
    return Drawn(CONVERT, f"convert {sum_} {a} into {b}",
                 call(CONVERT, amount=sum_, from_currency=spelled(MONEY[a]), to_currency=spelled(MONEY[b])),
                 {"amount": came, "currency": MONEY[b]}, amount(came))


TIMER = tool("set_timer", "Start a kitchen timer.", {"minutes": whole("How long, in minutes", minimum=1)})


def timer(dice: Dice) -> Drawn:
    minutes = dice.whole(3, 55)
    return Drawn(TIMER, f"start a timer for {minutes} minutes", call(TIMER, minutes=minutes),
                 {"timer": "running", "minutes": minutes}, (str(minutes), "timer"))


RESTAURANTS = ("Blue Heron", "Casa Verde", "The Old Mill", "Saffron House", "Luna Rossa")
TABLE = tool("book_table", "Book a table at a restaurant.", {
    "restaurant": text("Name of the restaurant"), "date": text("As YYYY-MM-DD"), "time": text("As HH:MM, 24 hours"),
    "guests": whole("How many people", minimum=1)})


def table(dice: Dice) -> Drawn:
    where, (said, date), (time, times) = dice.pick(RESTAURANTS), day(dice), clock(dice, 17)
    guests, code = dice.whole(2, 8), f"{dice.pick('BKMT')}{dice.whole(1000, 9999)}"
    return Drawn(TABLE, f"book a table for {guests} people at {where} on {said} at {time}",
                 call(TABLE, restaurant=spelled(where), date=date, time=times, guests=guests),
                 {"confirmation": code}, (code,))


PHRASES = {"good morning": ("German", "de", "Guten Morgen"), "thank you": ("Italian", "it", "grazie"),
           "see you tomorrow": ("Spanish", "es", "hasta mañana"), "happy birthday": ("French", "fr", "joyeux anniversaire"),
           "where is the station": ("Portuguese", "pt", "onde fica a estação")}
TRANSLATE = tool("translate", "Translate a text into another language.", {
    "text": text("The text to translate"), "language": text("The language to translate into")})


def translation(dice: Dice) -> Drawn:
    phrase = dice.pick(list(PHRASES))
    language, code, result = PHRASES[phrase]
    texts = (phrase, f"{phrase}?") if phrase.startswith("where") else (phrase,)
    return Drawn(TRANSLATE, f'translate "{phrase}" into {language}',
                 call(TRANSLATE, text=spelled(*texts), language=(*spelled(language), code)),
                 {"translation": result}, (result,))


SHARE = tool("get_share_price", "Get the latest price of a share.", {"symbol": text("Ticker symbol")})


def share(dice: Dice) -> Drawn:
    symbol, price = dice.pick(("QXLT", "BRDN", "VELO", "HMSK", "TRVA")), dice.whole(1000, 30000) / 100
    return Drawn(SHARE, f"look up the price of the share with the symbol {symbol}", call(SHARE, symbol=symbol),
                 {"symbol": symbol, "price": price}, amount(price))


ROOMS = ("kitchen", "bedroom", "living room", "office", "hallway", "bathroom")
LIGHT = tool("set_light", "Set how bright the light in a room is.", {
    "room": text("The room"), "percent": whole("Brightness in percent", minimum=0, maximum=100)})


def light(dice: Dice) -> Drawn:
    room, percent = dice.pick(ROOMS), dice.whole(1, 9) * 10
    return Drawn(LIGHT, f"set the light in the {room} to {percent} percent",
                 call(LIGHT, room=spelled(room, f"the {room}", room.replace(" ", "_")), percent=percent),
                 {"room": room, "percent": percent}, (str(percent), room))


HEAT = tool("set_thermostat", "Set the temperature that a room is heated to.", {
    "room": text("The room"), "celsius": number("Degrees Celsius")})


def heat(dice: Dice) -> Drawn:
    room, degrees = dice.pick(ROOMS), dice.whole(34, 46) / 2
    return Drawn(HEAT, f"set the thermostat in the {room} to {degrees:g} degrees Celsius",
                 call(HEAT, room=spelled(room, f"the {room}", room.replace(" ", "_")), celsius=degrees),
                 {"room": room, "celsius": degrees}, (f"{degrees:g}", f"{degrees}"))


MODES = {"by car": "driving", "on foot": "walking", "by bicycle": "cycling", "by bus": "transit"}
TRAVEL = tool("get_travel_time", "Find out how long a journey takes.", {
    "origin": text("City to start from"), "destination": text("City to go to"),
    "mode": one_of("driving", "walking", "cycling", "transit")})


def travel(dice: Dice) -> Drawn:
    (a, b), mode = dice.several(CITIES, 2), dice.pick(list(MODES))
    hours = dice.whole(11, 95)
    return Drawn(TRAVEL, f"find out how long it takes to get from {a[0]} to {b[0]} {mode}",
                 call(TRAVEL, origin=place(a), destination=place(b), mode=MODES[mode]), {"hours": hours}, (str(hours),))


SONGS = (("Paper Boats", "Ida Lindqvist"), ("Northern Line", "The Wrens"), ("Slow Orbit", "Mateo Cruz"),
         ("Harvest Road", "June Abara"))
SONG = tool("play_song", "Play a song.", {"title": text("Title of the song"), "artist": text("Who performs it")})


def song(dice: Dice) -> Drawn:
    title, artist = dice.pick(SONGS)
    return Drawn(SONG, f'play the song "{title}" by {artist}',
                 call(SONG, title=spelled(title), artist=spelled(artist)), {"playing": title}, (title,))


TASKS = ("renew my passport", "water the plants", "call the dentist", "pay the rent", "return the library books")
REMIND = tool("create_reminder", "Create a reminder for a day.", {
    "text": text("What to be reminded of"), "date": text("As YYYY-MM-DD")})


def reminder(dice: Dice) -> Drawn:
    task, (said, date) = dice.pick(TASKS), day(dice)
    others = [task, task.replace("my ", "your "), task.replace("my ", ""), task.replace(" the ", " ")]
    texts = spelled(*others, *(f"to {one}" for one in others))
    return Drawn(REMIND, f"create a reminder for {said} to {task}",
                 call(REMIND, text=(*texts, *(f"{one}." for one in texts)), date=date),
                 {"reminder": "created", "date": date}, ("reminder", "remind", date, said))


TRACK = tool("track_package", "Find out where a package is.", {"number": text("Tracking number")})


def package(dice: Dice) -> Drawn:
    code, city = f"PK{dice.whole(100000, 999999)}", dice.pick(CITIES)[0]
    return Drawn(TRACK, f"find out where the package with the tracking number {code} is", call(TRACK, number=code),
                 {"location": city, "status": "in transit"}, (city,))


RECIPES = tool("search_recipes", "Search for recipes with an ingredient.", {
    "ingredient": text("Main ingredient"), "max_minutes": whole("Longest time to cook, in minutes")})


def recipe(dice: Dice) -> Drawn:
    what, minutes = dice.pick(("lentils", "salmon", "pumpkin", "mushrooms", "spinach")), dice.whole(3, 12) * 5
    dish = dice.pick(("stew", "curry", "soup", "salad"))
    return Drawn(RECIPES, f"search for recipes with {what} that take at most {minutes} minutes",
                 call(RECIPES, ingredient=spelled(what, what.removesuffix("s")), max_minutes=minutes),
                 {"recipes": [f"{what} {dish}"]}, (dish,))


EMPLOYEE = tool("get_employee", "Look up an employee.", {"employee_id": whole("Number of the employee")})


def employee(dice: Dice) -> Drawn:
    who, name = dice.whole(100, 9999), dice.pick(("Mara Olsen", "Tariq Aziz", "Lena Vogt", "Paulo Reis"))
    return Drawn(EMPLOYEE, f"look up the employee with the number {who}", call(EMPLOYEE, employee_id=who),
                 {"employee_id": who, "name": name}, (name,))


BODY = tool("calculate_bmi", "Calculate the body mass index.", {
    "weight_kg": number("Weight in kilograms"), "height_cm": number("Height in centimetres")})


def body(dice: Dice) -> Drawn:
    weight, height = dice.whole(50, 99), dice.whole(155, 195)
    index = round(weight / (height / 100) ** 2, 1)
    return Drawn(BODY, f"calculate the body mass index of someone who weighs {weight} kg and is {height} cm tall",
                 call(BODY, weight_kg=weight, height_cm=height), {"bmi": index}, (str(index),))


FLIGHT = tool("get_flight_status", "Get the status of a flight.", {
    "flight": text("Flight number, such as XY123"), "date": text("As YYYY-MM-DD")})


def flight(dice: Dice) -> Drawn:
    code, (said, date) = f"{dice.pick(('KQ', 'TN', 'VB'))}{dice.whole(100, 999)}", day(dice)
    status, told = dice.pick((("delayed", ("delayed", "delay", "late")), ("cancelled", ("cancelled", "canceled")),
                              ("boarding", ("boarding",)), ("on time", ("on time", "on schedule"))))
    return Drawn(FLIGHT, f"get the status of flight {code} on {said}",
                 call(FLIGHT, flight=(code, f"{code[:2]} {code[2:]}"), date=date),
                 {"status": status}, told)


BOOKS = tool("search_books", "Search the library for books.", {
    "author": text("Author's name"), "published_after": whole("Only books that appeared after this year")})


def book(dice: Dice) -> Drawn:
    author, year = dice.pick(("Hanna Brandt", "Omar Said", "Grace Mbeki", "Tove Dahl")), dice.whole(1960, 2015)
    title = dice.pick(("The Salt Path", "Glass Rivers", "A House of Wind"))
    return Drawn(BOOKS, f"search the library for books by {author} that were published after {year}",
                 call(BOOKS, author=spelled(author), published_after=year), {"books": [title]}, (title,))


HOTELS = tool("find_hotels", "Find hotels in a city.", {
    "city": text("Name of the city"), "max_price": number("Highest price for a night, in euros")})


def hotel(dice: Dice) -> Drawn:
    city, price = dice.pick(CITIES), dice.whole(6, 24) * 10
    name = dice.pick(("Hotel Astra", "Harbour Inn", "Linden Hotel"))
    return Drawn(HOTELS, f"find hotels in {city[0]} that cost at most {price} euros a night",
                 call(HOTELS, city=place(city), max_price=price), {"hotels": [name]}, (name,))


LOAN = tool("calculate_loan", "Calculate what a loan costs each month.", {
    "amount": number("How much is borrowed"), "annual_rate": number("Interest in percent a year"),
    "years": whole("How many years it runs")})


def loan(dice: Dice) -> Drawn:
    sum_, rate, years = dice.whole(5, 60) * 1000, dice.whole(4, 18) / 2, dice.whole(2, 15)
    monthly = round(sum_ * (1 + rate / 100 * years / 2) / (12 * years), 2)
    return Drawn(LOAN, f"calculate the monthly cost of a loan of {sum_} over {years} years at {rate:g} percent interest a "
                 "year",
                 call(LOAN, amount=sum_, annual_rate=rate, years=years), {"monthly": monthly}, amount(monthly))


UNITS = {"miles": "kilometres", "pounds": "kilograms", "gallons": "litres", "inches": "centimetres"}
MEASURE = tool("convert_units", "Convert a measure into another unit.", {
    "value": number("The measure"), "from_unit": one_of(*UNITS, *UNITS.values()),
    "to_unit": one_of(*UNITS, *UNITS.values())})


def measure(dice: Dice) -> Drawn:
    unit, value, came = dice.pick(list(UNITS)), dice.whole(3, 80), dice.whole(201, 999) / 10
    return Drawn(MEASURE, f"convert {value} {unit} into {UNITS[unit]}",
                 call(MEASURE, value=value, from_unit=unit, to_unit=UNITS[unit]), {"value": came}, (str(came),))


ALL: tuple[Scenario, ...] = (forecast, currency, timer, table, translation, share, light, heat, travel, song, reminder,
                             package, recipe, employee, body, flight, book, hotel, loan, measure)
# tools that answer nothing a person knows anyway
IDLE = (TABLE, LIGHT, HEAT, SONG, TRACK, FLIGHT, EMPLOYEE, TIMER)
