"""Everyday tools of our own, for who has none at hand: how they are asked for, and what they give back.

The one rule: none of them is a tool of the suite `tier`, so a model that was trained on them can still be asked that suite.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ...evaluate.tier.drawn import flag, members, number, one_of, some, text, tool, whole
from ...message import Tool
from ...tools import as_tools


class Known(NamedTuple):
    """`asked`: orders with a place for each parameter that they name; `gives`: the members of the result; `told`: answers
    with a place for each member."""

    tool: Tool
    asked: tuple[str, ...]
    gives: Mapping[str, Any]
    told: tuple[str, ...]


def _known(made: Mapping[str, Any], asked: str, gives: Mapping[str, Any], told: str) -> Known:
    return Known(as_tools(made)[0], tuple(asked.split(" | ")), gives, tuple(told.split(" | ")))


DAY, HOUR = text("As YYYY-MM-DD"), text("As HH:MM, 24 hours")
REFERENCE = {"reference": text()}
DONE = "Done. The reference is {reference}. | That is done, under the reference {reference}."

KNOWN: tuple[Known, ...] = (
    _known(tool("get_air_quality", "Get the air quality of a city.", {"city": text("Name of the city")}),
           "tell me how clean the air in {city} is | get the air quality of {city} | check the air in {city}",
           {"index": whole(minimum=5, maximum=180), "main_pollutant": one_of("ozone", "dust", "soot")},
           "The air quality index is {index}; the main pollutant is {main_pollutant}."),
    _known(tool("find_train", "Find the next train between two stations.", {
        "from_station": text("Where it starts"), "to_station": text("Where it goes"), "date": DAY}, {"after": HOUR}),
           "find a train from {from_station} to {to_station} on {date} | look for a train that goes from {from_station} to "
           "{to_station} on {date} after {after} | find me the train to {to_station} from {from_station}, {date}, after "
           "{after}",
           {"train": text(pattern="^(RE|IR)[0-9]{2,4}$"), "leaves": HOUR}, "The train {train} leaves at {leaves}."),
    _known(tool("start_washing", "Start the washing machine.", {
        "program": one_of("cotton", "wool", "synthetics", "quick"), "celsius": whole("Temperature", minimum=20, maximum=90,
                                                                                   multipleOf=10)}),
           "start the washing machine with the {program} program at {celsius} degrees | wash the {program} at {celsius} "
           "degrees",
           {"minutes_left": whole(minimum=30, maximum=150)}, "The machine is running; it needs {minutes_left} minutes."),
    _known(tool("set_blinds", "Move the blinds of a room.", {
        "room": text("The room"), "percent": whole("How far down, in percent", minimum=0, maximum=100)}),
           "lower the blinds in the {room} to {percent} percent | set the {room} blinds to {percent} % | put the blinds "
           "of the "
           "{room} at {percent} percent", {"state": one_of("moved")}, "The blinds have been {state}."),
    _known(tool("add_to_shopping_list", "Put something on the shopping list.", {
        "item": text("What to buy"), "quantity": whole("How many or how much", minimum=1)}),
           "put {quantity} {item} on the shopping list | add {quantity} {item} to the shopping list | note for the "
           "shopping: "
           "{quantity} {item}", {"entries": whole(minimum=1, maximum=30)},
           "It is on the list, which now has {entries} entries."),
    _known(tool("send_invitation", "Invite somebody to an event.", {
        "email": text("E-mail address"), "event": text("What it is"), "date": DAY}),
           "invite {email} to {event} on {date} | send an invitation for {event} on {date} to {email}", REFERENCE, DONE),
    _known(tool("save_note", "Save a note.", {"title": text("Title of the note"), "body": text("What it says")}),
           'save a note with the title {title} that says {body} | write a note titled {title}: {body}',
           {"note_id": whole(minimum=10, maximum=9999)}, "The note is saved as number {note_id}."),
    _known(tool("get_fuel_price", "Get the price of fuel in a city.", {
        "city": text("Name of the city"), "fuel": one_of("petrol", "diesel", "electric")}),
           "find out what {fuel} costs in {city} | get the {fuel} price in {city} | tell me the price of {fuel} in {city}",
           {"price": number(minimum=1, maximum=3), "currency": one_of("EUR")}, "It costs {price} {currency}."),
    _known(tool("book_court", "Book a court at the sports centre.", {
        "sport": one_of("tennis", "squash", "badminton", "padel"), "date": DAY, "time": HOUR, "players": whole(
            "How many play", minimum=2, maximum=4)}),
           "book a {sport} court for {players} players on {date} at {time} | reserve a court for {sport} on {date} at "
           "{time}, "
           "{players} players | {players} of us want to play {sport} on {date} at {time}, so book a court", REFERENCE,
           DONE),
    _known(tool("rent_bicycle", "Rent bicycles at a station.", {
        "station": text("Name of the station"), "count": whole("How many", minimum=1, maximum=6)}, {
        "hours": whole("For how long", minimum=1, maximum=24)}),
           "rent {count} bicycles at {station} | rent {count} bicycles at {station} for {hours} hours | get {count} "
           "bikes for "
           "{hours} hours at the station {station}", REFERENCE, DONE),
    _known(tool("get_sunrise", "Find out when the sun rises.", {"city": text("Name of the city"), "date": DAY}),
           "find out when the sun rises in {city} on {date} | tell me the time of sunrise in {city} on {date}",
           {"sunrise": HOUR}, "The sun rises at {sunrise}."),
    _known(tool("compute_area", "Compute the area of a rectangle.", {
        "width": number("In metres", minimum=1, maximum=90), "length": number("In metres", minimum=1, maximum=90)}),
           "compute the area of a rectangle that is {width} metres wide and {length} metres long | work out the area of "
           "a floor "
           "of {width} by {length} metres", {"square_metres": number(minimum=1, maximum=8100)},
           "The area is {square_metres} square metres."),
    _known(tool("count_calories", "Look up how many calories food has.", {
        "food": text("Name of the food"), "grams": whole("How much of it", minimum=10, maximum=900)}),
           "count the calories in {grams} grams of {food} | look up how many calories {grams} g of {food} have",
           {"calories": whole(minimum=20, maximum=900)}, "That has {calories} calories."),
    _known(tool("water_garden", "Water a part of the garden.", {
        "zone": one_of("lawn", "roses", "vegetables", "hedge"), "minutes": whole("How long", minimum=1, maximum=60)}),
           "water the {zone} for {minutes} minutes | let the {zone} be watered for {minutes} minutes",
           {"litres": whole(minimum=10, maximum=400)}, "It is being watered, with {litres} litres."),
    _known(tool("record_expense", "Write down money that was spent.", {
        "amount": number("In euros", minimum=1, maximum=900),
        "category": one_of("food", "travel", "rent", "fun", "health")},
        {"comment": text("What it was for")}),
           "write down that I spent {amount} euros on {category} | record an expense of {amount} euros for {category} | "
           "note "
           "{amount} euros for {category} with the comment {comment}", {"total": number(minimum=900, maximum=3000)},
           "It is written down; the total is now {total} euros."),
    _known(tool("get_score", "Get the result of a team's last match.", {"team": text("Name of the team")}),
           "get the last score of {team} | find out how {team} played | tell me the result of {team}",
           {"score": text(pattern="^[0-5]:[0-5]$")}, "The match ended {score}."),
    _known(tool("define_word", "Look a word up in the dictionary.", {"word": text("The word")},
                {"language": text("Its language")}),
           "look up the word {word} | find out what {word} means | look up what {word} means in {language}",
           {"meaning": one_of("a kind of tree", "a small stone", "a bright light", "a place by the sea")},
           "It means {meaning}."),
    _known(tool("set_oven", "Heat the oven.", {
        "celsius": whole("Temperature", minimum=50, maximum=250), "mode": one_of("fan", "grill", "conventional")}, {
        "minutes": whole("Switch off after", minimum=1, maximum=240)}),
           "heat the oven to {celsius} degrees in {mode} mode | set the oven to {mode}, {celsius} degrees, for {minutes} "
           "minutes",
           {"ready_in": whole(minimum=3, maximum=15)}, "The oven is ready in {ready_in} minutes."),
    _known(tool("create_poll", "Ask the group a question.", {
        "question": text("The question"), "options": some(text(), "The answers to choose from", minItems=2, maxItems=4)},
        {"anonymous": flag("Whether names are hidden")}),
           "create a poll about {question} with the options {options} | ask the group about {question}; they can choose "
           "between "
           "{options}", {"poll_id": whole(minimum=1, maximum=500)}, "The poll has the number {poll_id}."),
    _known(tool("plan_route", "Plan a route along stops.", {
        "stops": some(text(), "The places, in order", minItems=2, maxItems=4)},
        {"avoid_tolls": flag("Whether toll roads are avoided")}),
           "plan a route along {stops} | work out the route for {stops}", {"kilometres": whole(minimum=20, maximum=900)},
           "The route is {kilometres} kilometres long."),
    _known(tool("register_guest", "Register a guest of the hotel.", {
        "guest": members(name=text("Full name"), email=text("E-mail address")),
        "nights": whole("How many", minimum=1, maximum=14)}),
           "register a guest for {nights} nights: {guest} | register the guest with {guest}, who stays {nights} nights",
           {"room": whole(minimum=100, maximum=599)}, "The guest has room {room}."),
    _known(tool("resize_image", "Change the size of a picture.", {
        "path": text("Path of the file"), "width": whole("In pixels", minimum=16, maximum=4000), "height": whole(
            "In pixels", minimum=16, maximum=4000)}),
           "resize {path} to {width} by {height} pixels | make the picture {path} {width} pixels wide and {height} "
           "pixels high",
           {"kilobytes": whole(minimum=10, maximum=900)}, "The picture now has {kilobytes} kB."),
    _known(tool("approve_payment", "Approve a payment that waits.", {"payment_id": whole("Its number", minimum=100)}),
           "approve payment {payment_id} | approve the payment with the number {payment_id}", REFERENCE, DONE),
    _known(tool("assign_ticket", "Give a support ticket to somebody.", {
        "ticket_id": whole("Its number", minimum=100), "agent": text("Who gets it")}),
           "assign ticket {ticket_id} to {agent} | give {agent} the ticket {ticket_id}",
           {"open_tickets": whole(minimum=1, maximum=20)},
           "It is assigned; {open_tickets} tickets are open there."),
    _known(tool("export_report", "Save a report as a file.", {
        "report_id": whole("Its number", minimum=10), "format": one_of("pdf", "csv", "xlsx")}),
           "export report {report_id} as {format} | save the report {report_id} as a {format} file",
           {"file": text(pattern="^report_[0-9]{3}$")}, "It is in the file {file}."),
    _known(tool("quote_parcel", "Find out what it costs to send a parcel.", {
        "country": text("Where it goes"), "kilograms": number("Its weight", minimum=0.5, maximum=30)}),
           "find out what it costs to send a parcel of {kilograms} kilograms to {country} | get the price of a "
           "{kilograms} kg "
           "parcel to {country}", {"price": number(minimum=5, maximum=80)}, "It costs {price} euros."),
    _known(tool("log_workout", "Keep a record of a workout.", {
        "activity": one_of("running", "swimming", "rowing", "yoga"), "minutes": whole("How long", minimum=5, maximum=180)},
        {"date": DAY}),
           "log {minutes} minutes of {activity} | log {minutes} minutes of {activity} on {date} | write down that I did "
           "{activity} "
           "for {minutes} minutes", {"this_week": whole(minimum=1, maximum=9)},
           "Logged: workout number {this_week} of this week."),
    _known(tool("draw_chart", "Draw a chart of numbers.", {
        "values": some(number(minimum=0, maximum=99), "The numbers", minItems=3, maxItems=5),
        "kind": one_of("bar", "line", "pie")}),
           "draw a {kind} chart of {values} | show {values} as a {kind} chart", {"chart": text(pattern="^chart-[a-z]{4}$")},
           "The chart is called {chart}."),
    _known(tool("post_update", "Post a text in a channel, word for word.", {
        "channel": text("Name of the channel"), "text": text("The text")}),
           "post {text} in the channel {channel} | post this text in {channel}: {text}",
           {"post": whole(minimum=1000, maximum=9999)},
           "It is posted, as number {post}."),
    _known(tool("search_jobs", "Search for jobs.", {"profession": one_of("baker", "nurse", "teacher", "welder", "tailor"),
                                                   "city": text("Name of the city")},
                                                   {"remote": flag("Only jobs from home")}),
           "search for jobs as a {profession} in {city} | find {profession} jobs in {city}",
           {"jobs": whole(minimum=0, maximum=60)}, "Jobs found: {jobs}."),
    _known(tool("mark_attendance", "Note who of a class is there.", {
        "class_name": text("Name of the class"), "present": some(members(student=text(), late=flag()), "Who is there",
                                                                 minItems=1,
                                                                maxItems=2)}),
           "mark the attendance of class {class_name}: {present}", {"absent": whole(minimum=0, maximum=9)},
           "It is noted; {absent} are absent."),
    _known(tool("set_goal", "Set the savings goal, or take it away.", {"euros": {
        "type": ["number", "null"], "description": "How much; null for no goal"}}),
           "set my savings goal to {euros}", {"state": one_of("saved")}, "The goal is {state}."),
)

BY_NAME: Mapping[str, Known] = {one.tool.name: one for one in KNOWN}
TOOLS: tuple[Tool, ...] = tuple(one.tool for one in KNOWN)
