"""What the arena shows, as functions from what a page asks to plain data; the page itself is in `page/`.

The one rule: what is wrong with what the page sends is an answer too, with its place, for someone is still typing it.
"""
