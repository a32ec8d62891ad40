"""Chat templates of our own writing, for learning: in styles that models have, in styles that none has, and broken ones."""

from __future__ import annotations

HEAD = """{%- if tools %}<|sys|>
Tools: {{ tools | tojson }}<|over|>
{% endif %}
{%- for m in messages %}
{%- if m.role == 'assistant' %}<|bot|>
"""
TAIL = """<|over|>
{% else %}<|{{ m.role }}|>
{{ m.content }}<|over|>
{% endif %}
{%- endfor %}
{%- if add_generation_prompt %}<|bot|>
{% endif %}"""


def turns(reply: str, head: str = HEAD, tail: str = TAIL) -> str:
    """A template whose turns are plain, and whose replies are printed by this."""
    return head + reply + tail


def calls(each: str, before: str = "", behind: str = "") -> str:
    """A template that prints the words of a reply, and its calls so; `c` is a call's function."""
    return turns("{{ m.content or '' }}{% if m.tool_calls %}" + before + "{% for t in m.tool_calls %}"
                 "{% set c = t.function %}" + each + "{% endfor %}" + behind + "{% endif %}")


JSON = "{{ c.arguments | tojson }}"
ITEMS = "{% for k, v in c.arguments.items() %}"
RAW = "{{ v if v is string else v | tojson }}"
TYPE = ('{{ "string" if v is string else "boolean" if v is boolean else "null" if v is none else "number" if v is number '
        'else "object" if v is mapping else "array" }}')
COMMA, LINE, BREAK = "{{ ', ' if not loop.last }}", "{{ '\\n' if not loop.last }}", "{{ '\\n' }}"
NEXT = '{{ "\\n" if m.content or not loop.first }}'
END = "{% endfor %}"
PLAIN = "<call>{{ c.name }} " + JSON + "</call>"
BARE = """{% macro put(v) %}{% if v is string %}<~>{{ v }}<~>{% elif v is mapping %}{{ '{' }}
{%- for k, w in v.items() %}{{ k }}:{{ put(w) }}{{ ',' if not loop.last }}{% endfor %}{{ '}' }}
{%- elif v is sequence %}[{% for w in v %}{{ put(w) }}{{ ',' if not loop.last }}{% endfor %}]
{%- else %}{{ v | tojson }}{% endif %}{% endmacro %}"""

# style -> a template that must be learned
GOOD = {
    "objects in tags": calls(NEXT + '<call>\n{"name": "{{ c.name }}", "arguments": ' + JSON + "}\n</call>"),
    "a list with ids": calls('{"id": "{{ t.id }}", "tool": "{{ c.name }}", "input": ' + JSON + "}" + COMMA, "[RUN] [", "]"),
    "tags of the argument's name": calls(
        '<do what="{{ c.name }}">' + ITEMS + "<{{ k }}>" + RAW + "</{{ k }}>" + END + "</do>"),
    "tags with the type": calls('{{ "\\n<<run " }}{{ c.name }}>>\n' + ITEMS + '<<arg {{ k }} type="' + TYPE + '">>' + RAW
                                + "<</arg>>\n" + END + "<</run>>"),
    "tags, Python's words": calls(
        BREAK + "<fn {{ c.name }}>\n" + ITEMS + "<p {{ k }}>{{ v | string }}</p>\n" + END + "</fn>"),
    "keywords": calls("{{ c.name }}(" + ITEMS + "{{ k }}={{ v | tojson }}" + COMMA + END + "){{ '; ' if not loop.last }}",
                      "<|run|>", "<|ran|>"),
    "recipients": turns(
        "{{ m.reasoning }}{% if m.content %}@@@user\n{{ m.content }}{% endif %}"
        "{% for t in m.tool_calls or [] %}@@@{{ t.function.name }}\n{{ t.function.arguments }}{% endfor %}"),
    "thoughts, and numbered calls": turns(
        "{% if m.thoughts %}<|muse|>{{ m.thoughts }}<|/muse|>{% endif %}{{ m.content or '' }}"
        "{% for t in m.tool_calls or [] %}"
        "<|step|>{{ loop.index }}<|of|>{{ t.function.name }}<|with|>{{ t.function.arguments | tojson }}<|done|>" + END),
    "one object alone": turns(
        "{% if m.tool_calls %}{% if m.tool_calls | length > 1 %}{{ raise_exception('one call a turn') }}{% endif %}"
        "{% set c = m.tool_calls[0].function %}"
        '{"function": "{{ c.name }}", "parameters": ' + JSON + "}"
        "{% else %}{{ m.content }}{% endif %}"),
    "tags, numbered": calls('<do="{{ c.name }}" n="{{ loop.index }}">' + ITEMS + "<with {{ k }}>" + RAW + "</with>" + END
                            + "</do>"),
    "parts": "{% for m in messages %}<|{{ m.role }}|>{% for p in m.content or [] %}{{ p.text }}{% endfor %}"
             "{% for t in m.tool_calls or [] %}{% set c = t.function %}" + PLAIN + END + "<|over|>{% endfor %}"
             "{% if add_generation_prompt %}<|assistant|>{% endif %}",
    "calls without a function": calls(PLAIN).replace("set c = t.function", "set c = t"),
    "whole calls as JSON": turns(
        "{{ m.content or '' }}{% if m.tool_calls %}<|json|>{{ m.tool_calls | tojson }}{% endif %}"),
    "arguments first": calls('{"args": ' + JSON + ', "fn": "{{ c.name }}"}' + LINE, "```run\n", "\n```"),
    "bare keys": calls("<|go|>{{ c.name }}{{ put(c.arguments) }}<|gone|>").replace("<|bot|>\n", "<|bot|>\n" + BARE, 1),
}

# what is wrong -> a template, and words of the reason that must be given
BAD = {
    "no calls": (turns("{{ m.content or '' }}"), "prints no calls"),
    "the first call alone": (calls("{% if loop.first %}" + PLAIN + "{% endif %}"), "is lost"),
    "the last call alone": (calls("{% if loop.last %}" + PLAIN + "{% endif %}"), "is lost"),
    "names merged": (calls(JSON, "<call>{{ m.tool_calls | map(attribute='function.name') | join(',') }}|", "</call>"),
                     "calls: "),
    "no names": (calls("<call>{{ t.id }} " + JSON + "</call>"), "the name of the function is not printed"),
    "names in capitals": (calls("<call>{{ c.name | upper }} " + JSON + "</call>"),
                          "the name of the function is not printed"),
    "types dropped": (calls("<call>{{ c.name }}(" + ITEMS + '{{ k }}="{{ v }}"' + COMMA + END + ")</call>"),
                      "2 is not what is read"),
    "strings without quotes": (calls("<call>{{ c.name }}(" + ITEMS + "{{ k }}={{ v }}" + COMMA + END + ")</call>"),
                               "without quotes"),
    "arguments run together": (calls("<call>{{ c.name }}(" + ITEMS + "{{ k }}={{ v | tojson }}" + END + ")</call>"),
                               "is read as []"),
    "one argument alone": (calls("<call>{{ c.name }}" + ITEMS + "{% if loop.first %}<{{ k }}>" + RAW + "</{{ k }}>"
                                 "{% endif %}" + END + "</call>"), "with a second one"),
    "keys without values": (calls("<call>{{ c.name }}: {{ c.arguments.keys() | join(', ') }}</call>"), "prints no calls"),
    "cut short": (calls("<call>{{ c.name }} {{ (c.arguments | tojson)[:40] }}</call>"), "is read as []"),
    "turned around": (calls(PLAIN).replace("in m.tool_calls %}", "in m.tool_calls | reverse %}"), "another order"),
    "Python's pairs": (calls("<call>{{ c.name }} {{ c.arguments.items() | list }}</call>"), "cannot be told"),
    "Python's dict": (calls("<call>{{ c.name }} {{ c.arguments | string }}</call>").replace(
        "{% set c", "{% if t.function.arguments is string %}{{ raise_exception('no') }}{% endif %}{% set c"),
        "Python's repr"),
    "by chance": (calls(PLAIN + "{{ range(10 ** 4) | random }}"), "otherwise"),
    "by the day": (calls("<call at=\"{{ strftime_now('%d %b %Y') }}\">{{ c.name }} " + JSON + "</call>"), "day"),
    "no markers": (calls("{{ c.name }} " + JSON), "nothing stands before the name"),
    "a name that nothing ends": (calls("⟦call:{{ c.name }}⟧" + JSON + "⟦/call⟧"), "ambiguous"),
    "no Jinja": ("{% if %}", "chat template"),
    "never ends": ("{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}", "seconds"),
    "reaches out": (turns("{{ m.content or '' }}{{ ''.__class__.__mro__ }}"), "unsafe"),
    "escaped for the web": (calls("<call>{{ c.name }} {{ c.arguments | tojson | e }}</call>"), "cannot be told"),
    "no question": ("{% for m in messages if m.role == 'assistant' %}{% for t in m.tool_calls or [] %}"
                    "{% set c = t.function %}"
                    + PLAIN + END + "{{ m.content or '' }}{% endfor %}", "does not print the question"),
}
