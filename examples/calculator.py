"""Arithmetic as functions, one of which fails when it should.

    toolglot ask "What is 12 times 7?" --tools examples/calculator.py
"""


def add(a: float, b: float) -> float:
    """Add two numbers.

    Args:
        a: The first number.
        b: The second number.
    """
    return a + b


def multiply(a: float, b: float) -> float:
    """Multiply two numbers.

    Args:
        a: The first number.
        b: The second number.
    """
    return a * b


def divide(a: float, b: float) -> float:
    """Divide one number by another.

    Args:
        a: The number to divide.
        b: What to divide it by; not 0.
    """
    return a / b
