"""Two functions that a model may call. The table is made up: nothing here asks the network.

    toolglot ask "What is the weather in Paris?" --tools examples/weather.py

A function's name, type hints and docstring are all that the model learns of it.
"""

from typing import Literal

# degrees Celsius, the sky, hours from UTC
CITIES = {
    "berlin": (15, "cloudy", 1),
    "cairo": (33, "sunny", 2),
    "london": (14, "rainy", 0),
    "nairobi": (24, "partly cloudy", 3),
    "new york": (20, "clear", -5),
    "paris": (18, "sunny", 1),
    "sydney": (22, "windy", 10),
    "tokyo": (26, "humid", 9),
}


def get_weather(city: str, unit: Literal["celsius", "fahrenheit"] = "celsius") -> str:
    """Get the current weather in a city.

    Args:
        city: The name of the city, for example London.
        unit: The unit of the temperature.
    """
    degrees, sky, _ = _look_up(city)
    if unit == "fahrenheit":
        return f"It is {degrees * 9 / 5 + 32:.0f} °F and {sky} in {city}."
    return f"It is {degrees} °C and {sky} in {city}."


def get_time_difference(from_city: str, to_city: str) -> str:
    """Get the difference in hours between the clocks of two cities.

    Args:
        from_city: The name of the first city.
        to_city: The name of the second city.
    """
    hours = _look_up(to_city)[2] - _look_up(from_city)[2]
    return f"{to_city} is {abs(hours)} hours {'ahead of' if hours >= 0 else 'behind'} {from_city}."


def _look_up(city: str) -> tuple[int, str, int]:
    try:
        return CITIES[city.strip().lower()]
    except KeyError:
        raise LookupError(f"no city is named {city!r}; there are {', '.join(CITIES)}") from None
