"""Questions that need no tool, and what is right to say."""

from __future__ import annotations

#: what anybody knows; none of these is asked by the suite `tier`
FACTS: tuple[tuple[str, str], ...] = (
    ("What is the capital of France?", "The capital of France is Paris."),
    ("What is the capital of Italy?", "The capital of Italy is Rome."),
    ("Which ocean lies between Europe and America?", "The Atlantic Ocean lies between Europe and America."),
    ("How many months does a year have?", "A year has twelve months."),
    ("How many minutes are there in an hour?", "There are 60 minutes in an hour."),
    ("What is 7 plus 5?", "7 plus 5 is 12."),
    ("What is 10 minus 4?", "10 minus 4 is 6."),
    ("What is three times three?", "Three times three is nine."),
    ("Who painted the Mona Lisa?", "Leonardo da Vinci painted the Mona Lisa."),
    ("Who wrote Don Quixote?", "Miguel de Cervantes wrote Don Quixote."),
    ("Which animal barks?", "Dogs bark."),
    ("What do bees make?", "Bees make honey."),
    ("What is the opposite of big?", "The opposite of big is small."),
    ("What is the opposite of early?", "The opposite of early is late."),
    ('What is the plural of "child"?', 'The plural of "child" is "children".'),
    ('What is the past tense of "go"?', 'The past tense of "go" is "went".'),
    ('How do you say "good day" in Spanish?', '"Good day" is "buenos días" in Spanish.'),
    ("What color is a ripe banana?", "A ripe banana is yellow."),
    ("What color is grass?", "Grass is green."),
    ("Which season comes after winter?", "Spring comes after winter."),
    ("Which day comes after Tuesday?", "Wednesday comes after Tuesday."),
    ("What is the last month of the year?", "December is the last month of the year."),
    ("How many wheels does a bicycle have?", "A bicycle has two wheels."),
    ("How many sides does a triangle have?", "A triangle has three sides."),
    ("How many legs does a dog have?", "A dog has four legs."),
    ("Which is the largest planet of the solar system?", "Jupiter is the largest planet of the solar system."),
    ("What does the Earth move around?", "The Earth moves around the Sun."),
    ("At how many degrees Celsius does water freeze?", "Water freezes at 0 degrees Celsius."),
    ("What is ice made of?", "Ice is frozen water."),
    ("In which country are the pyramids of Giza?", "The pyramids of Giza are in Egypt."),
    ("In which country is Mount Fuji?", "Mount Fuji is in Japan."),
    ("Which is heavier, a car or a bicycle?", "A car is heavier than a bicycle."),
    ("Which is faster, a train or a snail?", "A train is faster than a snail."),
    ("What do you use an umbrella for?", "An umbrella keeps you dry when it rains."),
    ("Hello!", "Hello! What can I do for you?"),
    ("Good morning!", "Good morning! How can I help you?"),
    ("Hi, how are you?", "I am doing well, thank you. How can I help you?"),
    ("Thanks for your help!", "You are welcome! I am glad to help."),
    ("Great, thanks a lot. Bye!", "You are welcome. Goodbye, and have a nice day!"),
    ("That was all I needed, thanks.", "You are welcome. Have a great day!"),
    ("Tell me one word that rhymes with cat.", '"Hat" rhymes with cat.'),
    ("Tell me a fruit that begins with the letter A.", "Apple is a fruit that begins with A."),
)

#: why a call fails
REASONS = ("nothing was found for this", "this is not known", "the service is not available", "access was denied",
           "the request took too long", "this does not exist", "this was cancelled by its owner",
           "the limit for today is reached")
SORRY = ("I'm sorry, that did not work: {reason}.", "Unfortunately that failed: {reason}.",
         "I could not do that, because {reason}.",
         "Sorry, there was an error: {reason}.")
ASKING = ("What {name} should I use?", "Which {name} do you want?", "Could you tell me the {name}?",
          "I need the {name}. What is it?",
          "Please tell me the {name}.")
GIVING = ("{value}.", "It is {value}.", "The {name} is {value}.", "{value}, please.", "Take {value}.")
THEN = ("Thank you. Now {order}", "Great. {Order}", "Thanks! {Order}", "And now: {order}", "Good. One more thing: {order}")
AGAIN = ("Sorry, my mistake. {Order}", "Then let us try something else. {Order}", "I see. {Order}")
UNABLE = ("None of my tools can do that, sorry.", "I'm sorry, I have no tool for that.",
          "I cannot do that with the tools I have.")
