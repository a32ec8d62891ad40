'''Functionary: v1 (Llama 2), v2 to v2.4 (Mistral), v2.5 (Llama 3), v3.0 and v3.2 (Llama 3 and 3.1), v3.1 (Llama 3.1).

Sources: MeetKai/functionary (revision e240e8c5), prompt_template/jinja_templates (v2, v2.llama3, v3.llama3, v3-llama3.1,
json_to_ts_schema), prompt_template_v1.py and tests/prompt_test_v1.txt; chat_template of meetkai/functionary-medium-v3.1
and -v3.2.

    Let me look.
    <|START_OF_FUNCTION_CALL|>get_weather:
    {"city": "Paris"}<|END_OF_FUNCTION_CALL|>
    <|from|>assistant
    <|recipient|>get_weather
    <|content|>{"city": "Paris"}<|stop|>
    Let me look.<|reserved_special_token_249|>get_weather
    {"city": "Paris"}<|eot_id|>
    >>>all
    Let me look.>>>get_weather
    {"city": "Paris"}<|eot_id|>
    Let me look.<function=get_weather>{"city": "Paris"}</function><|eom_id|>

Ugly and true: the tools are told even where there are none; `>>>` is no token, so anybody's words may hold it; the prompt
of v2 and of v3.2 ends inside the marker that a reply begins with. A function named `python` is the code interpreter,
whose input is code, not JSON.
'''

from __future__ import annotations

from dataclasses import replace

from ..card import Card
from ..spec import (
    CONTENT,
    DESCRIPTION,
    FUNCTION,
    LIST,
    NAME,
    REPLY,
    RESULTS,
    TEXT,
    Calls,
    Dialect,
    Json,
    Raw,
    Template,
    Turns,
    When,
)
from ._functionary import definitions
from ._llama3 import SPECIAL

_NO_TOOLS = definitions(())
_CHAT = ("A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, "
         "and polite answers to the user's questions. The assistant calls functions with appropriate input when necessary")


def _told(before: str, after: str) -> Turns:
    """Turns that begin with a section about the tools, which stands there even without any."""
    return Turns(
        start=(When("tools", "", f"{before}{_NO_TOOLS}{after}"),),
        tools=(before, LIST, after),
        tools_at="own",
        listing=definitions,
        user=(CONTENT,),
        assistant=(REPLY,),
        results=(RESULTS,),
        result=(CONTENT,),
        reasoning="none",
    )


# -- v1 and v2: roles of their own

FUNCTIONARY_V1 = Dialect(
    "functionary-v1",
    calls=Calls(("<|START_OF_FUNCTION_CALL|>", NAME, ":\n", Json(), "<|END_OF_FUNCTION_CALL|>"), between="\n", gap="\n"),
    stop=("<|END_OF_ASSISTANT|>", "<|END_OF_FUNCTION_CALL|>", "</s>"),
    special=frozenset({"<|START_OF_FUNCTION_CALL|>", "<|END_OF_FUNCTION_CALL|>", "<|END_OF_SYSTEM|>", "<|END_OF_USER|>",
                       "<|END_OF_ASSISTANT|>", "<|END_OF_FUNCTION_RESULT|>"}),
    turns=replace(
        _told("system:\n", f"<|END_OF_SYSTEM|>\nsystem:\n{_CHAT}<|END_OF_SYSTEM|>\n"),
        system=("system:\n", CONTENT, "<|END_OF_SYSTEM|>\n"),
        user=("user:\n", CONTENT, "<|END_OF_USER|>\n"),
        assistant=("assistant:\n", REPLY, When("called", "\n", "<|END_OF_ASSISTANT|>\n")),
        result=("function name=", NAME, ":\n", CONTENT, "<|END_OF_FUNCTION_RESULT|>\n"),
        reply_starts=("assistant:",),
        one_call=True,
    ),
)

_FROM = "<|from|>assistant\n<|recipient|>"


def _turn(role: str) -> Template:
    return (f"\n<|from|>{role}\n<|recipient|>all\n<|content|>", CONTENT)


FUNCTIONARY_V2 = Dialect(
    "functionary-v2",
    calls=Calls((_FROM, NAME, "\n<|content|>", Json())),
    accept=(Calls((f"{_FROM}python\n<|content|>", Raw("code")), name="python"),),
    content=(f"{_FROM}all\n<|content|>", TEXT),
    join="\n",
    stop=("<|stop|>", "</s>"),
    special=frozenset({"<|from|>", "<|recipient|>", "<|content|>", "<|stop|>"}),
    turns=replace(
        _told("<s><|from|>system\n<|recipient|>all\n<|content|>",
              f"\n<|from|>system\n<|recipient|>all\n<|content|>{_CHAT}"),
        system=_turn("system"),
        user=_turn("user"),
        assistant=("\n", REPLY, "<|stop|>"),
        result=("\n<|from|>", NAME, "\n<|recipient|>all\n<|content|>", CONTENT),
        reply_starts=("\n", _FROM),
    ),
)

# -- v2.5 and v3: the headers of Llama 3

_SYSTEM = "<|start_header_id|>system<|end_header_id|>\n\n"
_ASSISTANT = "<|start_header_id|>assistant<|end_header_id|>\n\n"


def _llama(before: str, after: str, result: Template) -> Turns:
    return replace(
        _told(f"<|begin_of_text|>{_SYSTEM}{before}", f"{after}<|eot_id|>"),
        system=(_SYSTEM, CONTENT, "<|eot_id|>"),
        user=("<|start_header_id|>user<|end_header_id|>\n\n", CONTENT, "<|eot_id|>"),
        assistant=(_ASSISTANT, REPLY, "<|eot_id|>"),
        result=(*result, CONTENT, "<|eot_id|>"),
        reply_starts=(_ASSISTANT,),
    )


FUNCTIONARY_V2_5 = Dialect(
    "functionary-v2.5",
    calls=Calls(("<|reserved_special_token_249|>", NAME, "\n", Json())),
    accept=(Calls(("<|reserved_special_token_249|>python\n", Raw("code")), name="python"),),
    stop=("<|eot_id|>", "<|end_of_text|>"),
    special=SPECIAL | {"<|reserved_special_token_249|>"},
    turns=_llama("", f"<|eot_id|>{_SYSTEM}{_CHAT}", ("<|start_header_id|>tool<|end_header_id|>\n\nname=", NAME, "\n")),
)

FUNCTIONARY_V3_2 = Dialect(
    "functionary-v3.2",
    calls=Calls((">>>", NAME, "\n", Json())),
    accept=(Calls((">>>python\n", Raw("code")), name="python"),),
    content=(">>>all\n", TEXT),
    stop=("<|eot_id|>", "<|end_of_text|>"),
    special=SPECIAL,
    turns=replace(
        _llama("You are capable of executing available function(s) if required.\n"
               "Only execute function(s) when absolutely necessary.\nAsk for the required input to:recipient==all\n"
               "Use JSON for function arguments.\nRespond in this format:\n>>>${recipient}\n${content}\n"
               "Available functions:\n", "", ("<|start_header_id|>tool<|end_header_id|>\n\n",)),
        reply_starts=(_ASSISTANT, ">>>"),
    ),
)

_CUTOFF = f"<|begin_of_text|>{_SYSTEM}\nCutting Knowledge Date: December 2023\n\n"

FUNCTIONARY_V3_1 = Dialect(
    "functionary-v3.1",
    calls=Calls(("<function=", NAME, ">", Json(), "</function>")),
    accept=(Calls(("<|python_tag|>", Raw("code")), name="python"),),
    stop=("<|eot_id|>", "<|eom_id|>", "<|end_of_text|>"),
    special=SPECIAL | {"<|eom_id|>", "<|python_tag|>"},
    turns=replace(
        _llama("", "", ("<|start_header_id|>ipython<|end_header_id|>\n\n",)),
        start=(When("tools", "", f"{_CUTOFF}<|eot_id|>"),),
        assistant=(_ASSISTANT, REPLY, When("called", "<|eom_id|>", "<|eot_id|>")),
        tools=(f"{_CUTOFF}\nYou have access to the following functions:\n\n", LIST,
               "\nThink very carefully before calling functions.\n"
               "If a you choose to call a function ONLY reply in the following format:\n"
               "<{start_tag}={function_name}>{parameters}{end_tag}\nwhere\n\nstart_tag => `<function`\n"
               "parameters => a JSON dict with the function argument name as key and function argument value as value.\n"
               "end_tag => `</function>`\n\nHere is an example,\n"
               '<function=example_function_name>{"example_name": "example_value"}</function>\n\nReminder:\n'
               "- If looking for real time information use relevant functions before falling back to brave_search\n"
               "- Function calls MUST follow the specified format, start with <function= and end with </function>\n"
               "- Required parameters MUST be specified\n- Only call one function at a time\n"
               "- Put the entire function call reply on one line\n\n<|eot_id|>"),
        listing=None,
        tool=("Use the function '", NAME, "' to '", DESCRIPTION, "'\n", FUNCTION, "\n\n"),
        tool_between="",
    ),
)

_EMPTY = "An answer that says nothing is still a turn; the template leaves it out."

CARDS = (
    Card(
        FUNCTIONARY_V1,
        title="Functionary 7B v1 to v1.4",
        tier="single",
        why="trained to make one call a turn",
        verified="its makers' code and the prompt that their tests expect",
        models=("functionary-((7b|13b)-)?v1(\\.[0-9])?",),
        evidence=("<|START_OF_FUNCTION_CALL|>",),
    ),
    Card(
        FUNCTIONARY_V2,
        title="Functionary small and medium v2, v2.2, v2.4",
        tier="full",
        why="several calls, each to a recipient; its makers' server speaks OpenAI's API",
        verified="its makers' template, byte for byte",
        models=("functionary-((small|medium|7b)-)?v2(\\.[0-4])?",),
        evidence=("<|from|>", "<|recipient|>"),
        differs=(_EMPTY,),
    ),
    Card(
        FUNCTIONARY_V2_5,
        title="Functionary small and medium v2.5",
        tier="full",
        why="several calls behind one token; its makers' server speaks OpenAI's API",
        verified="its makers' template, byte for byte",
        models=("functionary-((small|medium)-)?v2\\.5",),
        evidence=("<|reserved_special_token_249|>", "<|start_header_id|>"),
        differs=(_EMPTY,),
    ),
    Card(
        FUNCTIONARY_V3_2,
        title="Functionary small and medium v3.0, v3.2",
        tier="full",
        why="several calls, each to a recipient; its makers' server speaks OpenAI's API",
        verified="chat template, byte for byte; its makers' template agrees",
        models=("functionary-((small|medium)-)?v3(\\.[02])?",),
        evidence=(">>>${recipient}", "<|start_header_id|>"),
        differs=("An answer that says nothing is still one to all; the template leaves out to whom.",),
    ),
    Card(
        FUNCTIONARY_V3_1,
        title="Functionary small and medium v3.1",
        tier="full",
        why="several calls, though told to make one; its makers' server speaks OpenAI's API",
        verified="its makers' template, byte for byte",
        models=("functionary-((small|medium)-)?v3\\.1",),
        evidence=("start_tag => `<function`", "<|start_header_id|>", "<|python_tag|>"),
        differs=(
            _EMPTY,
            "The tools stand as its makers wrote them in training; in the chat template on Hugging Face they are escaped "
            "as for HTML.",
        ),
    ),
)
