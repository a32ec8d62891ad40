"""The thirteen rules of reading, an example or a few for each; and output that no model should write."""

from __future__ import annotations

import time
from typing import Any

import pytest

from toolglot import Call, CallArgs, CallEnd, CallStart, Reasoning, Text, Tool, fold, model
from toolglot.cursor import Limits

STRING = {"type": "string"}
WEATHER = Tool("get_weather", "", {"type": "object", "properties": {
    "city": STRING, "days": {"type": "integer"}, "exact": {"type": "boolean"}, "note": {"type": ["string", "null"]},
    "tags": {"type": "array", "items": STRING}, "n": {"type": ["integer", "string"]}}})
NOW = Tool("now")
TOOLS = [WEATHER, NOW]


def read(dialect: str, text: Any, **more: Any) -> Any:
    return model(dialect).parse(text, more.pop("tools", TOOLS), **more)


def kinds(reply: Any) -> list[str]:
    return [p.kind for p in reply.problems]


def hermes(name: str = "get_weather", arguments: str = '{"city": "Paris"}') -> str:
    return f'<tool_call>\n{{"name": "{name}", "arguments": {arguments}}}\n</tool_call>'


PARIS = Call("get_weather", {"city": "Paris"})


def test_rule_1_json_is_whole_when_balanced_and_tagged_when_closed() -> None:
    assert read("hermes", '<tool_call>{"name": "get_weather", "arguments": {"city": "Paris"}}').calls == (PARIS,)
    assert read("llama3.1", '<function=get_weather>{"city": "Paris"}').calls == (PARIS,)
    cut = read("qwen3-coder", "<tool_call>\n<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n</function>")
    assert cut.calls == () and cut.problems[0].name == "get_weather" and "Paris" in cut.problems[0].raw


def test_rule_1_a_cut_call_is_a_problem_with_its_name_text_and_offset() -> None:
    reply = read("hermes", 'Hi. <tool_call>\n{"name": "get_weather", "arguments": {"city": "Par')
    (problem,) = reply.problems
    assert reply.calls == () and reply.content == "Hi."
    assert (problem.kind, problem.name, problem.offset) == ("unfinished", "get_weather", 66)
    assert problem.raw == '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Par'


def test_rule_2_before_the_name_a_mismatch_is_content_and_after_it_a_problem() -> None:
    assert read("hermes", "<tool_call> is a tag.").content == "<tool_call> is a tag."
    reply = read("hermes", '<tool_call>\n{"name": "get_weather", "arguments": {city: 1}}\n</tool_call> Done.')
    assert reply.calls == () and reply.content.strip() == "Done."
    assert reply.problems[0].expected == "a key" and reply.problems[0].found == "'city'"
    stream = model("hermes").stream(TOOLS)
    events = [*stream.feed('<tool_call>\n{"name": "get_weather", "arguments": {city: 1}}\n</tool_call>'), *stream.close()]
    assert isinstance(events[0], CallStart) and isinstance(events[-1], CallEnd) and events[-1].problem


def test_rule_3_a_reply_goes_on_from_what_its_prompt_ends_with() -> None:
    m = model("qwen3")
    before = str(m.prompt([{"role": "user", "content": "?"}], TOOLS))
    assert m.parse("I think</think>Hello", TOOLS, prompt=before + "<think>\n").parts == (
        Reasoning("I think"), Text("Hello"))
    assert m.parse('et_weather", "arguments": {"city": "Paris"}}\n</tool_call>', TOOLS,
                   prompt=before + '<tool_call>\n{"name": "g').calls == (PARIS,)
    assert m.parse("Hello", TOOLS, prompt=m.prompt([{"role": "user", "content": "?"}], thinking=False)).content == "Hello"
    v3 = model("deepseek-v3.1")
    thinking = v3.prompt([{"role": "user", "content": "?"}], thinking=True)
    assert v3.parse("hm</think>Yes", prompt=thinking).parts == (Reasoning("hm"), Text("Yes"))
    assert v3.parse("Yes").parts == (Text("Yes"),)


def test_rule_4_white_space_is_free_between_markers_and_exact_beside_text() -> None:
    loose = '<tool_call>{ "arguments" :{"city":"Paris"},"name":"get_weather" }</tool_call>'
    assert read("hermes", loose).calls == (PARIS,)
    assert read("glm-4.5", "<tool_call> get_weather <arg_key> city </arg_key><arg_value> Paris </arg_value></tool_call>"
                ).calls == (Call("get_weather", {"city": " Paris "}),)
    coder = "<tool_call><function=get_weather><parameter=city>\n\n Paris\n\n</parameter></function></tool_call>"
    assert read("qwen3-coder", coder).calls == (Call("get_weather", {"city": "\n Paris\n"}),)


def test_rule_4_words_around_a_call_do_not_join() -> None:
    assert read("hermes", f"\n Before.\n{hermes()}\nAfter. ").parts == (Text("Before."), PARIS, Text("\nAfter."))


def test_rule_5_an_opener_is_the_whole_literal_and_the_longest_wins() -> None:
    assert read("qwen3-coder", "<tool_call> alone").content == "<tool_call> alone"
    stream = model("qwen3-coder").stream(TOOLS)
    assert stream.feed("a < b <tool") == [Text("a < b")]
    assert fold([Text("a < b"), *stream.feed("box>"), *stream.close()]).content == "a < b <toolbox>"
    harmony = ('<|channel|>commentary<|message|>Looking.<|end|><|start|>assistant<|channel|>commentary to=functions.'
               'get_weather <|constrain|>json<|message|>{"city": "Paris"}<|call|>')
    assert read("harmony", harmony).parts == (Text("Looking."), PARIS)


def coder(value: str, key: str = "city") -> str:
    return f"<tool_call>\n<function=get_weather>\n<parameter={key}>\n{value}\n</parameter>\n</function>\n</tool_call>"


@pytest.mark.parametrize("value", ["</parameter> is a tag", "a\n</parameter>b", "</function>", "</tool_call> and more",
                                   "<parameter=x", "<parameter=x>", "<function=f>\n<parameter=", "</parameter"])
def test_rule_6_a_closer_ends_a_value_only_if_what_may_follow_follows(value: str) -> None:
    if value == "<parameter=x>":                         # where nothing is known of the tool, this is the next argument
        assert read("qwen3-coder", coder(value), tools=None).calls == (Call("get_weather", {"city": "", "x": ""}),)
    else:
        assert read("qwen3-coder", coder(value)).calls == (Call("get_weather", {"city": value}),)
    if value == "<parameter=x>":                         # the tool has no such parameter
        assert read("qwen3-coder", coder(value)).calls == (Call("get_weather", {"city": value}),)


@pytest.mark.parametrize("value", [
    "x = \"\"\"\n</parameter>\n<parameter=new>\n1\n</parameter>\n\"\"\"", "doc\n<parameter=city>\nParis\n</parameter>\nend",
    "doc\n<tool_call>\n<function=get_weather>\n<parameter=city>\nOslo\n</parameter>\n</function>\n</tool_call>\nend"])
def test_rule_6_a_value_may_hold_arguments_and_whole_calls(value: str) -> None:
    assert read("qwen3-coder", coder(value)).calls == (Call("get_weather", {"city": value}),)


def test_rule_6_an_argument_that_is_not_declared_is_one_where_all_around_it_is_as_it_should_be() -> None:
    text = coder("Paris\n</parameter>\n<parameter=unit>\nC")
    assert read("qwen3-coder", text).calls == (Call("get_weather", {"city": "Paris", "unit": "C"}),)


def test_rule_6_a_missing_closer_is_mended_by_what_follows() -> None:
    two = "<tool_call>\n<function=get_weather>\n<parameter=city>\nParis\n<parameter=days>\n3\n</function>\n</tool_call>"
    assert read("qwen3-coder", two).calls == (Call("get_weather", {"city": "Paris", "days": 3}),)


def test_rule_6_half_a_value_that_is_no_string_is_no_value() -> None:
    cut = '<tool_call>get_weather\n<arg_key>tags</arg_key>\n<arg_value>["a", "b</tool_call>'
    assert read("glm-4.5", cut).calls == () and read("glm-4.5", cut).problems[0].name == "get_weather"
    whole = cut + '"]</arg_value>\n</tool_call>'
    assert read("glm-4.5", whole).calls == (Call("get_weather", {"tags": ["a", "b</tool_call>"]}),)


def test_rule_7_stray_closers_are_dropped_and_reported() -> None:
    reply = read("qwen3", "Hello</think> there</tool_call>.")
    assert reply.content == "Hello there." and kinds(reply) == ["stray markup", "stray markup"]
    assert [p.raw for p in reply.problems] == ["</think>", "</tool_call>"]


def test_rule_7_sections_may_be_empty_or_left_out_and_noise_in_them_is_no_call() -> None:
    begin, end = "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"
    call = '<｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{"city": "Paris"}<｜tool▁call▁end｜>'
    assert read("deepseek-v3.1", f"Hi.{begin}{end}").parts == (Text("Hi."),)
    assert read("deepseek-v3.1", f"Hi.{call}").parts == (Text("Hi."), PARIS)
    noisy = read("deepseek-v3.1", f"{begin}let me see{call}{end}")
    assert noisy.calls == (PARIS,) and noisy.content == "" and noisy.problems[0].raw == "let me see"


def test_rule_8_at_the_end_a_block_that_began_is_a_problem_and_a_partial_literal_is_content() -> None:
    assert read("hermes", "I use <tool_ca").content == "I use <tool_ca"
    assert read("llama-pythonic", "[get_wea").content == "[get_wea"
    assert read("llama3.1", '{"name": "get_wea').content == '{"name": "get_wea'
    begun = read("hermes", "Hi.<tool_call>\n{")
    assert begun.content == "Hi." and begun.problems[0].raw == "<tool_call>\n{"
    assert kinds(read("qwen3", "<think>\nhm")) == ["unfinished"]


@pytest.mark.parametrize(("raw", "key", "value"), [
    ("5", "city", "5"), ("true", "city", "true"), ("5", "days", 5), ("five", "days", "five"), ("True", "exact", True),
    ("false", "exact", False), ("null", "note", None), ("None", "note", None), ("text", "note", "text"), ("5", "n", 5),
    ("5a", "n", "5a"), ("['a', 'b']", "tags", ["a", "b"]), ('["a", "b"]', "tags", ["a", "b"]), ("5", "other", 5),
    ("five", "other", "five"), ('{"a": 1}', "other", {"a": 1}), ("{'a': None}", "other", {"a": None}), ("", "city", ""),
    ('"quoted"', "city", '"quoted"')])
def test_rule_9_the_schema_decides_what_a_tagged_value_is(raw: str, key: str, value: Any) -> None:
    got = read("qwen3-coder", coder(raw, key)).calls[0].arguments[key]
    assert got == value and type(got) is type(value)


def test_rule_9_python_s_words_are_json_s_outside_of_strings() -> None:
    assert read("hermes", hermes(arguments='{"exact": True, "note": None, "city": "True"}')).calls[0].arguments == {
        "exact": True, "note": None, "city": "True"}
    assert read("llama-pythonic", "[get_weather(exact=true, note=null, city='true')]").calls[0].arguments == {
        "exact": True, "note": None, "city": "true"}


def test_rule_10_arguments_in_a_string_are_taken_with_a_note() -> None:
    reply = read("hermes", hermes(arguments='"{\\"city\\": \\"Paris\\"}"'))
    assert reply.calls == (PARIS,) and reply.calls[0].problem and reply.calls[0].problem.kind == "double encoding"


def test_rule_11_unknown_names_are_returned_with_a_problem_and_weak_openers_need_a_known_one() -> None:
    reply = read("hermes", hermes("launch"))
    assert reply.calls[0].name == "launch" and reply.calls[0].problem and reply.calls[0].problem.kind == "unknown function"
    assert read("llama3.1", '{"name": "launch", "parameters": {}}').content == '{"name": "launch", "parameters": {}}'
    assert read("llama-pythonic", "[launch()]").content == "[launch()]"
    assert read("llama-pythonic", "[launch()]", tools=None).calls == (Call("launch", {}),)
    assert read("llama3.1", 'So: {"name": "now", "parameters": {}}', tools=None).calls == ()


@pytest.mark.parametrize(("dialect", "text", "content"), [
    ("llama3.1", 'So: {"name": "now", "parameters": {}} Well?', "So: Well?"),
    ("llama-pythonic", "So: [now()] Well?", "So: Well?"), ("llama-pythonic", "[1] says [now()]", "[1] says")])
def test_rule_11_in_mid_text_a_call_without_a_marker_is_one_if_its_function_is_known_and_it_is_whole(
        dialect: str, text: str, content: str) -> None:
    reply = read(dialect, text)
    assert [c.name for c in reply.calls] == ["now"] and " ".join(reply.content.split()) == content
    for cut in range(len(text)):
        assert read(dialect, text[:cut]).calls in ((), reply.calls)


@pytest.mark.parametrize("text", [
    "So: [now(] is odd", "So: [now is the time]", "So: [launch()]", "So: [now(", '{"a": {"name": "x"}}',
    'So: {"name": "now", "parameters": 5}', 'So: {"parameters": {}, "name": "now"}'])
def test_rule_11_in_mid_text_all_else_is_words(text: str) -> None:
    for dialect in ("llama3.1", "llama-pythonic"):
        reply = read(dialect, text)
        assert reply.content == text and not reply.calls and not reply.problems


def test_several_objects_or_a_list_of_them_between_one_pair_of_tags_are_calls() -> None:
    one, other = '{"name": "now", "arguments": {}}', '{"name": "get_weather", "arguments": {"city": "Paris"}}'
    for inside in (f"{one}, {other}", f"{one}\n{other}", f"[{one}, {other}]", f'[{one}, {other}, "junk"]'):
        reply = read("hermes", f"<tool_call>\n{inside}\n</tool_call>")
        assert reply.calls == (Call("now", {}), PARIS) and len(reply.problems) == ("junk" in inside), inside


def test_what_python_s_repr_writes_is_an_object_too() -> None:
    text = "<tool_call>\n{'name': 'get_weather', 'arguments': {'city': 'Paris'}}\n</tool_call>"
    assert read("hermes", text).calls == (PARIS,)


def test_a_list_goes_on_behind_a_member_that_is_none() -> None:
    reply = read("llama-pythonic", "[get_weather(city=b'x'), now(),]")
    assert reply.calls == (Call("now", {}),) and [p.name for p in reply.problems] == ["get_weather"]


def test_where_nobody_said_what_the_prompt_was_the_closer_of_reasoning_decides() -> None:
    for text, reasoning, content in (("hm</think>\n\nyes", "hm", "yes"), ("yes", "", "yes"),
                                     ("<think>\nhm\n</think>\n\nyes", "hm", "yes")):
        reply = read("qwen3.5", text)
        assert (reply.reasoning.strip(), reply.content) == (reasoning, content)
    assert read("qwen3.5", "hm", prompt="<|im_start|>assistant\n<think>\n").reasoning == "hm"


def test_a_marker_made_of_words_counts_only_where_a_line_begins() -> None:
    assert read("react", "Thought: the Action: is clear\nFinal Answer: take Action: now").content == "take Action: now"
    assert read("react", "Thought: hm\nAction: now\nAction Input: {}").calls == (Call("now", {}),)


@pytest.mark.parametrize(("arguments", "kind"), [
    ('{"city": "a", "city": "b"}', "duplicate key"), ("[1]", "malformed"), ("5", "malformed"),
    ('{"city": "a",}', "malformed"),
    ('{"city": 01}', "malformed"), ("{'city': 'a'}", "malformed"), ('{"city": "\\x"}', "malformed"),
    ('{"city" "a"}', "malformed"), ('{"city": NaN}', "malformed"), ('{"city": +1}', "malformed"),
    ('{"city": ' + "[" * 100 + "]" * 100 + "}", "too deep"), ('{"city": ' + "1" * 500 + "}", "malformed")])
def test_rule_12_json_is_validated_as_it_streams(arguments: str, kind: str) -> None:
    reply = read("hermes", hermes(arguments=arguments) + " Then.")
    assert reply.calls == () and kinds(reply)[0] == kind and reply.content.strip() == "Then."


def test_rule_12_size_is_limited() -> None:
    reply = read("hermes", hermes(arguments='{"city": "' + "a" * 5000 + '"}'), limits=Limits(size=1000))
    assert reply.calls == () and kinds(reply) == ["too long"]


def test_rule_13_special_pieces_alone_match_special_literals() -> None:
    call = [("<tool_call>", True), ('\n{"name": "get_weather", "arguments": {"city": "</tool_call>"}}\n', False),
            ("</tool_call>", True)]
    assert read("qwen3", call).calls == (Call("get_weather", {"city": "</tool_call>"}),)
    assert read("qwen3", [(p, False) for p, _ in call]).content == "".join(p for p, _ in call)


def test_strict_takes_nothing_but_what_the_format_writes() -> None:
    for odd in ('"{\\"city\\": \\"Paris\\"}"', '{"exact": True}', '{"city": "a\nb"}'):
        assert len(read("hermes", hermes(arguments=odd)).calls) == 1
        assert read("hermes", hermes(arguments=odd), strict=True).calls == ()
    assert read("hermes", hermes("launch"), strict=True).calls == ()
    assert read("hermes", hermes(), strict=True).calls == (PARIS,)


def test_llama_3_1_is_read_in_all_its_spellings() -> None:
    ask = Call("brave_search", {"query": "weather"})
    assert read("llama3.1", '<|python_tag|>brave_search.call(query="weather")<|eom_id|>', tools=None).calls == (ask,)
    assert read("llama3.1", '<function=get_weather>{"city": "Paris"}</function><|eot_id|>').calls == (PARIS,)
    assert read("llama3.1", '<|python_tag|>{"name": "get_weather", "parameters": {"city": "Paris"}}').calls == (PARIS,)
    typed = '{"type": "function", "name": "get_weather", "parameters": {"city": "Paris"}}'
    assert read("llama3.1", typed).calls == (PARIS,)
    both = '{"name": "get_weather", "parameters": {"city": "Paris"}}; {"name": "now", "parameters": {}}'
    assert read("llama3.1", both).calls == (PARIS, Call("now", {}))
    code = read("llama3.1", "<|python_tag|>print(1 + 1)\nx = 2<|eom_id|>", tools=None).calls
    assert code == (Call("code_interpreter", {"code": "print(1 + 1)\nx = 2"}),)


def test_text_after_the_stop_is_no_content() -> None:
    reply = read("hermes", "Hello.<|im_end|>\n<|im_start|>user\nMore")
    assert reply.content == "Hello." and reply.problems[0].raw == "<|im_start|>user\nMore"


# -- whatever the bytes


@pytest.mark.parametrize("dialect", ["hermes", "qwen3-coder", "llama-pythonic", "mistral-v3", "json", "harmony", "glm-4.5"])
def test_output_that_no_model_should_write_never_raises(dialect: str) -> None:
    m = model(dialect)
    call = m.write([Call("get_weather", {"city": "Paris"}, "abcdefgh1")])
    for text in ("[" * 10_000, "{" * 10_000, call.replace("Paris", "[" * 10_000), call.replace('"Paris"', "[" * 10_000),
                 "\ud800" + call, call.replace("Paris", "\udfff"), call.replace("Paris", "\\ud800"), "\0" + call,
                 call.replace("Paris", "\0"), call * 50, call[::-1], "", " ", "\ufeff" + call):
        reply = m.parse(text, TOOLS)
        assert isinstance(reply.content, str)
        stream = m.stream(TOOLS)
        for c in text[:3000]:
            stream.feed(c)
        stream.close()


@pytest.mark.parametrize("dialect", ["hermes", "qwen3-coder", "llama-pythonic"])
def test_an_argument_of_100_mb_is_read(dialect: str) -> None:
    m, size = model(dialect), 100_000_000
    before, after = m.write([Call("get_weather", {"city": "PLACE"})]).split("PLACE")
    stream, begun = m.stream(TOOLS), time.perf_counter()
    events = stream.feed(before)
    for _ in range(100):
        events += stream.feed("a" * (size // 100))
    events += [*stream.feed(after), *stream.close()]
    assert sum(len(e.delta) for e in events if isinstance(e, CallArgs)) == size + len('{"city": ""}')
    assert time.perf_counter() - begun < 60


def test_quotes_inside_quotes_are_read_where_nothing_could_follow_them_and_noted() -> None:
    (call,) = read("llama-pythonic", "[get_weather(city='sed -n '1,9p' x', days=2)]").calls
    assert call.arguments == {"city": "sed -n '1,9p' x", "days": 2} and call.problem.kind == "unescaped quote"
    assert read("llama-pythonic", "[get_weather(city='a' days=2)]").calls == ()


@pytest.mark.parametrize("written", ["''')", "'it's'", "'a'b'c'", '"say "no" to it"'])
def test_what_is_said_of_a_quote_does_not_depend_on_the_cuts(written: str) -> None:
    text, told = f"<|tool_call_start|>[get_weather(city={written})]<|tool_call_end|>", set()
    for size in (1, 2, 3, 5, 8, 100):
        stream = model("lfm2.5").stream()
        events = [event for i in range(0, len(text), size) for event in stream.feed(text[i:i + size])]
        told.add(tuple(event.problem for event in [*events, *stream.close()] if isinstance(event, CallEnd)))
    assert len(told) == 1 and "unescaped quote" in str(told)


def test_the_type_beside_a_value_decides_and_a_number_is_told_and_not_read() -> None:
    from toolglot.parse import parse
    from toolglot.render import render
    from toolglot.spec import KEY, NAME, NUMBER, TYPE, VALUE, Calls, Dialect, Tagged

    tagged = Tagged(("<", KEY, ":", TYPE, ">", VALUE, "</>"))
    typed = Dialect("typed", calls=Calls(("<call ", NAME, "#", NUMBER, ">", tagged, "</call>"), between="\n"))
    calls = (Call("f", {"a": "1", "b": 1.5, "c": None, "d": [True], "e": False, "f": {"g": "h"}}), Call("f", {}))
    text = ("<call f#1><a:string>1</><b:number>1.5</><c:null>null</><d:array>[true]</><e:boolean>false</>"
            '<f:object>{"g": "h"}</></call>\n<call f#2></call>')
    assert render(typed, calls) == text and parse(typed, text).calls == calls
    assert parse(typed, "<call f#9><a:string>1</><b:any>1</></call>").calls == (Call("f", {"a": "1", "b": 1}),)
    assert parse(typed, "<call f#1><a:integer>x</></call>").calls[0].arguments == {"a": "x"}


@pytest.mark.parametrize("name", ["hermes", "qwen3-coder", "hy-4", "llama-pythonic", "olmo-3", "functiongemma"])
def test_rule_12_equal_keys_inside_an_argument_are_a_note_and_the_last_one_counts(name: str) -> None:
    m, tools = model(name), [Tool("f", "", {"type": "object", "properties": {"o": {"type": "object"}}})]
    text = m.write([Call("f", {"o": {"one": 1, "two": 2}})]).replace("two", "one")
    reply = m.parse(text, tools)
    assert [call.arguments for call in reply.calls] == [{"o": {"one": 2}}]
    assert [(p.kind, p.raw) for p in reply.problems] == [("duplicate key", "")]


@pytest.mark.parametrize("name", ["functionary-v2", "functionary-v2.5", "functionary-v3.2"])
def test_a_marker_that_ends_in_a_word_does_not_begin_a_longer_one(name: str) -> None:
    tools = [Tool("python_names", "", {"type": "object", "properties": {"s": {"type": "string"}}})]
    m, call = model(name), Call("python_names", {"s": "x"})
    assert m.parse(m.write([call]), tools).calls == (call,)
