"""One model family a file. Only `registry` imports them."""
