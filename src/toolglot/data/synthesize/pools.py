"""Words that values are made of, by what a parameter is called.

The one rule: none of these words asks for anything, so whatever stands in a request is a value or part of the sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from ...evaluate.tier.drawn import Dice

Pool = Callable[[Dice], str]

PLACES = ("Porto", "Graz", "Bergen", "Leeds", "Ghent", "Turin", "Malmö", "Quito", "Busan", "Perth", "Tampa", "Zagreb",
          "Kraków", "Nantes", "Bogotá", "Accra", "Hanoi", "Split", "Basel", "Tartu")
LANDS = ("Austria", "Belgium", "Chile", "Denmark", "Estonia", "Ghana", "Italy", "Korea", "Mexico", "Poland", "Spain",
         "Vietnam")
FIRST = ("Ada", "Bruno", "Clara", "Dmitri", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kofi", "Lucia", "Mehmet",
         "Nadia", "Otto", "Priya", "Rafael", "Sofia", "Tomas", "Yuki")
LAST = ("Abebe", "Berger", "Costa", "Dubois", "Eriksen", "Fischer", "Garcia", "Hassan", "Ivanova", "Jensen", "Kowalski",
        "Larsen", "Moreau", "Novak", "Okafor", "Rossi", "Sato", "Tanaka", "Weber", "Yilmaz")
THINGS = ("amber", "anchor", "basket", "beacon", "bridge", "candle", "canyon", "cedar", "comet", "copper", "coral",
          "cotton",
          "drum", "falcon", "fern", "garden", "glacier", "harbour", "hazel", "island", "ivory", "jasmine", "lantern",
          "maple",
          "marble", "meadow", "mosaic", "nectar", "olive", "onyx", "orchid", "pebble", "pepper", "piano", "quartz", "raven",
          "river", "saddle", "silver", "spruce", "summit", "thistle", "tulip", "velvet", "walnut", "willow")
GOODS = ("apples", "bread", "butter", "carrots", "cheese", "coffee beans", "eggs", "flour", "honey", "milk", "noodles",
         "oranges", "potatoes", "rice", "tomatoes", "walnuts", "yoghurt")
ROOMS = ("attic", "cellar", "conservatory", "dining room", "guest room", "laundry", "library", "nursery", "studio",
         "workshop")
TEAMS = ("Blue Foxes", "City Rovers", "Iron Bears", "North Stars", "Red Comets", "River Hawks")
SUBJECTS = ("Annual picnic", "Garden plan", "Move to the new office", "New price list", "Open questions", "Parking",
            "Roof repair",
            "Summer trip", "Training on Friday", "Year-end party")
SENTENCES = ("The parts have arrived.", "I will be ten minutes late.", "Please bring the blue folder.",
             "The door code has changed.",
             "We start at noon, as always.", "Lunch is on me today!", "Can you check the numbers again?",
             "It's done: all tests pass.",
             'He said "maybe", not "yes".', "Dinner at eight?", "The café is closed – try next door.",
             "Bis morgen, schönen Abend!")
LANGUAGES = ("Czech", "Danish", "Dutch", "Finnish", "Greek", "Hungarian", "Korean", "Polish", "Swedish", "Turkish")
CURRENCIES = ("AUD", "BRL", "CZK", "DKK", "MXN", "NOK", "NZD", "PLN", "SEK", "ZAR")
COLORS = ("beige", "crimson", "cyan", "indigo", "lilac", "magenta", "orange", "purple", "teal", "white", "yellow")
PATHS = ("/srv/data/plan.csv", "/home/ada/notes.txt", "docs/intro.md", "photos/2026/beach.jpg", "/var/log/app.log",
         "src/main.rs",
         r"D:\work\budget.xlsx", "/tmp/my report (final).pdf")
COMPANIES = ("Alder Works", "Bluebird Foods", "Corvus Labs", "Delft Robotics", "Evergreen Media", "Fjord Energy")
QUERIES = ("wool blankets", "electric scooters", "city maps", "garden chairs", "trail shoes", "used cameras",
           "water filters")


def among(words: Sequence[str]) -> Pool:
    return lambda dice: dice.pick(words)


def person(dice: Dice) -> str:
    return f"{dice.pick(FIRST)} {dice.pick(LAST)}"


def mail(dice: Dice) -> str:
    return f"{dice.pick(FIRST)}.{dice.pick(LAST)}@example.{dice.pick(('com', 'net', 'org'))}".lower()


def date(dice: Dice) -> str:
    return f"{dice.whole(2026, 2029)}-{dice.whole(1, 12):02}-{dice.whole(1, 28):02}"


def clock(dice: Dice) -> str:
    return f"{dice.whole(6, 22):02}:{dice.pick((0, 5, 10, 15, 20, 30, 40, 45, 50)):02}"


def code(dice: Dice) -> str:
    letters = "".join(dice.pick("ABCDEFGHJKLMNPRSTUVWXYZ") for _ in range(dice.whole(1, 3)))
    return f"{letters}{dice.pick(('', '-'))}{dice.whole(100, 99999)}"


def phone(dice: Dice) -> str:
    return f"+{dice.whole(30, 49)} {dice.whole(100, 999)} {dice.whole(1000, 9999)}{dice.whole(100, 999)}"


def site(dice: Dice) -> str:
    return f"https://{dice.pick(THINGS)}.example.{dice.pick(('com', 'org'))}/{dice.pick(THINGS)}"


def name(dice: Dice) -> str:
    """What a thing may be called."""
    first, second = dice.several(THINGS, 2)
    return dice.pick((first, first.capitalize(), f"{first} {second}", f"{first.capitalize()} {second.capitalize()}"))


def coordinates(dice: Dice) -> str:
    return f"{dice.whole(-80, 80)}.{dice.whole(1, 9)}, {dice.whole(-170, 170)}.{dice.whole(1, 9)}"


#: by a word of the parameter's name
POOLS: Mapping[str, Pool] = {
    **dict.fromkeys(("city", "place", "location", "town", "station", "origin", "destination", "harbour", "stop", "stops"),
                    among(PLACES)),
    **dict.fromkeys(("country", "land"), among(LANDS)),
    **dict.fromkeys(("person", "recipient", "guest", "user", "owner", "author", "artist", "agent", "customer", "member",
                     "who", "to", "username", "student", "patient"), person),
    **dict.fromkeys(("email", "mail", "attendees"), mail), **dict.fromkeys(("date", "day", "deadline", "due"), date),
    **dict.fromkeys(("time", "clock"), clock), **dict.fromkeys(("phone", "telephone", "mobile"), phone),
    **dict.fromkeys(("id", "ids", "code", "key", "number", "sku", "reference", "token", "serial"), code),
    **dict.fromkeys(("url", "uri", "link", "website", "site"), site),
    **dict.fromkeys(("path", "file", "filename", "directory", "folder"), among(PATHS)),
    **dict.fromkeys(("room", "zone"), among(ROOMS)), **dict.fromkeys(("team",), among(TEAMS)),
    **dict.fromkeys(("title", "subject", "topic", "summary", "event", "question"), among(SUBJECTS)),
    **dict.fromkeys(("text", "message", "body", "content", "comment", "note", "description", "reason"), among(SENTENCES)),
    **dict.fromkeys(("language", "lang", "locale"), among(LANGUAGES)), **dict.fromkeys(("currency",), among(CURRENCIES)),
    **dict.fromkeys(("color", "colour"), among(COLORS)),
    **dict.fromkeys(("item", "food", "product", "article", "ingredient"),
                                                                         among(GOODS)),
    **dict.fromkeys(("company", "organization", "organisation", "vendor"), among(COMPANIES)),
    **dict.fromkeys(("query", "search", "keyword", "keywords"), among(QUERIES)), "coordinates": coordinates}


def words_of(identifier: str) -> list[str]:
    """A name in a program, as words: get_userId is get, user, id."""
    return re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+", identifier) or [identifier]


def spaced(identifier: str) -> str:
    words = words_of(identifier)
    return " ".join(word if word.isupper() and len(word) > 1 and len(words) > 1 else word.lower() for word in words)


def pool_of(parameter: str) -> Pool:
    """What a text parameter of this name holds; the last word that says anything decides."""
    words = [word.lower() for word in words_of(parameter)]
    for word in reversed(words):
        if word in POOLS:
            return POOLS[word]
    return person if words == ["name"] or {"first", "last", "full"} & {*words} else name
