"""What the command line takes: every command's arguments and help."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from .. import __version__
from ..serve.settings import FILE, SETTINGS, TABLE, default_of, flag

KEY = "TOOLGLOT_API_KEY"
Command = Callable[[argparse.Namespace], int]

EXAMPLES = """examples:
  toolglot ask "What is the weather in Paris?" --tools weather.py
  toolglot prompt "What is the weather in Paris?" --tools weather.py --dialect qwen3
  toolglot ask "What is the weather in Paris?" --tools weather.py --engine http://127.0.0.1:8000
  toolglot parse reply.txt --dialect mistral-v3
  toolglot serve --upstream http://127.0.0.1:8080
  toolglot evaluate --model Qwen3-0.6B-Q8_0.gguf --report qwen.html
  toolglot convert glaive.json --to chat --out chat.jsonl
  toolglot show hermes"""


def read_arguments(commands: Sequence[Command], argv: Sequence[str] | None) -> argparse.Namespace:
    """The arguments; `run` is the command. Exits with code 2 for those that make no sense."""
    parser = argparse.ArgumentParser(
        prog="toolglot", description="Function calling for every open model.", epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", action="version", version=f"toolglot {__version__}")
    known = parser.add_subparsers(metavar="COMMAND", required=True)
    for run in commands:
        name = run.__name__.rstrip("_")                  # `import` is a word of Python's
        words, epilog, add = COMMANDS[name]
        one = known.add_parser(name, help=words, description=words[0].upper() + words[1:] + ".", epilog=epilog,
                               formatter_class=argparse.RawDescriptionHelpFormatter)
        one.set_defaults(run=run)
        add(one)
    return parser.parse_args(argv)


ASK_EXAMPLES = """examples:
  toolglot ask "What is the weather in Paris?" --tools weather.py --yes
  toolglot ask "Book a table" --tools tools.json --model Qwen3-0.6B-Q8_0.gguf --show
  toolglot ask "Book a table" --tools tools.json --engine http://127.0.0.1:11434 --model qwen3:8b

exit code: 0 answered; 1 the run failed; 2 something given is wrong; 3 a call was not allowed; 130 Ctrl-C"""


PARSE_EXAMPLES = """examples:
  toolglot parse reply.txt --dialect mistral-v3 --tools tools.json
  toolglot parse --dialect qwen3 --stream < reply.txt

exit code: 0 read; 1 some of it could not be read, and stderr says what; 2 something given is wrong"""


AUDIT_EXAMPLES = """examples:
  toolglot audit tokenizer_config.json
  toolglot audit model.gguf --as html -o card.html
  toolglot audit templates/*.jinja --as markdown
  toolglot audit chat_template.jinja --fail-under 4

SOURCE: a Jinja file, a tokenizer_config.json, a model folder, a GGUF file (its weights are not loaded), a dialect, or - for
stdin. The template runs in a process of its own, with limits. What costs how many stars: docs/audit.md

exit code: 0 audited; 1 a template cannot be tried, or has too few stars; 2 something given is wrong"""


SERVE_EXAMPLES = f"""examples:
  toolglot serve
  toolglot serve --upstream http://127.0.0.1:8080 --port 9000
  toolglot serve --host 0.0.0.0 --keys-file keys.txt --workers 4 --store postgresql://toolglot@db/toolglot
  toolglot serve --config {FILE} --print-config

Each setting may also stand in the environment (--max-body is TOOLGLOT_SERVE_MAX_BODY) or in the table [{TABLE}] of a TOML
file (max_body). Flags beat the environment, and that beats the file.

exit code: 0 told to stop, and stopped; 1 the server failed; 2 something given is wrong; 130 Ctrl-C"""


ARENA_EXAMPLES = """examples:
  toolglot arena
  toolglot arena --engine default
  toolglot arena --engine http://127.0.0.1:8080 --no-open"""


EXPORT_EXAMPLES = """examples:
  toolglot export qwen3 --as json -o mine.json
  toolglot export qwen3 --as response-template
  toolglot export qwen3 --as gbnf --tools weather.py --choice required

exit code: 0 written; 2 the form cannot say it, or something given is wrong"""


IMPORT_EXAMPLES = """examples:
  toolglot import tokenizer_config.json -o mine.json
  toolglot parse reply.txt --dialect ./mine.json

exit code: 0 read, and it keeps the laws; 1 it breaks them, and stderr says where; 2 something given is wrong"""


CONSTRAINTS = ("lark", "portable-lark", "gbnf", "structural-tag", "json-schema", "regex")
FORMS = ("json", "python", "response-template", *CONSTRAINTS)


SYNTHESIZE_EXAMPLES = """examples:
  toolglot synthesize --out rows.jsonl
  toolglot synthesize --tools tools.json --rows 5000 --seed 7 --out rows.jsonl
  toolglot synthesize --tools weather.py --kinds single,missing --out - | head

exit code: 0 written; 2 something given is wrong"""


EVALUATE_EXAMPLES = """examples:
  toolglot evaluate
  toolglot evaluate --model Qwen3-0.6B-Q8_0.gguf --limit all --report qwen.html qwen.json
  toolglot evaluate --dialect all --idiom all --limit all --journal smollm.jsonl --resume
  toolglot evaluate --engine http://127.0.0.1:8000 --suite bfcl --concurrency 32 --limit 500
  toolglot evaluate --read smollm.jsonl --report smollm.html

Every question is in the journal as soon as it is answered. After Ctrl-C, a kill or a dead server the same command with
--resume goes on where it was.

exit code: 0 all is answered; 1 the engine failed, or a journal that was read is not whole; 2 something given is wrong;
130 Ctrl-C"""


CONVERT_EXAMPLES = """examples:
  toolglot convert glaive.json xlam.parquet --to chat --out chat.jsonl
  toolglot convert data/ --to text --dialect qwen3 --out train.jsonl.gz --jobs 8
  toolglot convert data/ --to tokens --dialect qwen3 --tokenizer qwen3.gguf --max-tokens 4096 --pack --out train.parquet
  toolglot convert data/ --to text --dialect hermes --look 3
  toolglot convert data/ --out chat.jsonl --check --dedup --against bfcl

Rows that cannot be read go to a file of rejects, each with its place and the reason. What was finished before Ctrl-C or a
kill is kept: the same command with --resume goes on.

exit code: 0 done, with rejects or without; 1 not one row could be read; 2 something given is wrong, or with --strict a row;
130 Ctrl-C"""


def _dialect_arguments(parser: argparse.ArgumentParser, default: str = "json") -> None:
    parser.add_argument("--tools", action="append", default=[], metavar="FILE",
                        help="a Python file of functions, or a JSON file of tools; may be given again")
    parser.add_argument("--dialect", "--model-id", metavar="NAME",
                        help=f"a dialect, a model id or a dialect's JSON file; default: {default}")
    parser.add_argument("--repaired", dest="prompts", action="store_const", const="repaired", default="faithful",
                        help="prompts without what the model's own chat template loses or bends")
    parser.add_argument("--idiom", metavar="NAME", help="how a zero-shot dialect tells of the tools: sketch, json-schema, "
                                                        "typescript, python or markdown")


def _ask_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("question", help="- is stdin")
    _dialect_arguments(parser, "what the model's chat template speaks, else json")
    add = parser.add_argument
    add("--engine", metavar="URL|PATH", help="a server's URL, a GGUF file or a directory of transformers; default: --model")
    _engine_arguments(parser)
    add("--yes", action="store_true", help="run functions without asking")
    add("--show", action="store_true", help="the prompt and the raw text, by what each piece is")
    add("--json", action="store_true", help="every step as JSON, one a line")
    add("--no-constrain", dest="constrain", action="store_false", help="let the model write what it likes")
    add("--choice", metavar="auto|required|none|NAME", help="what the first reply may be; default: as suits the model")
    add("--answer", metavar="FILE", help="a JSON schema that the answer must be a value of")
    add("--system", metavar="TEXT", help="a system message")
    add("--thinking", action=argparse.BooleanOptionalAction, help="ask for reasoning, or for none")
    add("--max-steps", type=_positive, default=4, metavar="N", help="replies at most; default: 4")
    add("--max-tokens", type=_positive, default=256, metavar="N", help="tokens of one reply; default: 256")
    add("--temperature", type=float, default=0.0, metavar="T", help="0, the default, always takes the likeliest token")
    add("--seed", type=int, default=0, metavar="N", help="of sampling")
    add("--timeout", type=float, default=30.0, metavar="S", help="seconds that a function may take; default: 30")


def _evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--engine", metavar="URL|PATH|ray", help="a server's URL, a GGUF file or a directory of transformers, or ray for "
                                                 "vLLM on many GPUs; default: --model")
    _engine_arguments(parser)
    add("--suite", default="tier", metavar="tier|bfcl|recorded|FILE",
        help="tier, the default, is toolglot's own; bfcl[:FOLDER] the Berkeley leaderboard's; recorded:FOLDER judges what "
             "--model wrote once; or a JSONL file of items")
    add("--limit", type=_limit, default=12, metavar="N|all", help="items, evenly over their kinds; default: 12")
    add("--seed", type=int, default=0, metavar="N", help="of the suite, of the choice of items and of sampling; default: 0")
    add("--constrain", choices=("on", "off", "both"), default="both", help="default: both")
    add("--dialect", nargs="+", default=[], metavar="NAME|all",
        help="dialects to compare; all: the model's own and the zero-shot ones; default: what suits the model")
    add("--idiom", nargs="+", default=[], metavar="NAME|all",
        help="how zero-shot dialects tell of the tools: sketch, json-schema, typescript, python, markdown or all")
    add("--choice", choices=("auto", "required"), help="whether a constrained model may choose to call, or must; default: "
                                                       "auto, and for zero-shot dialects both")
    add("--parallel", choices=("on", "off", "both"), help="several calls in a reply; default: on, but off for zero-shot "
                                                          "dialects that must call")
    add("--thinking", action=argparse.BooleanOptionalAction, help="ask for reasoning, or for none")
    add("--max-tokens", type=_positive, default=256, metavar="N", help="tokens of one reply; default: 256")
    add("--temperature", type=float, default=0.0, metavar="T", help="0, the default, always takes the likeliest token")
    add("--concurrency", type=_positive, metavar="N", help="questions at a time; default: 8")
    add("--journal", metavar="FILE", help="where each answer is kept as it comes; default: a file in the cache, by what is "
                                          "asked")
    add("--resume", action="store_true", help="go on with the journal of the same run")
    add("--read", metavar="FILE", help="ask nothing: report what a journal holds")
    add("--report", nargs="+", default=[], metavar="FILE", help="write a report: .html, .md, .json or .png")
    add("--json", action="store_true", help="print the report as JSON")


def _convert_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("inputs", nargs="+", metavar="IN", help="files, directories, globs, or - for stdin: JSON lines, JSON arrays, text, "
                                                "Parquet; also .gz, .zst, .xz, .bz2")
    add("--from", dest="shape", default="auto", metavar="SHAPE", help="the shape of the rows, or rendered:DIALECT for a "
        "dialect's own text; default: auto, by the first rows")
    add("--text", choices=("line", "file"), default="line", help="what a row of plain text is; default: line")
    add("--to", choices=("chat", "text", "tokens"), default="chat",
        help="messages and tools; a model's text with its spans; token ids with labels; default: chat")
    add("--out", metavar="FILE", help="what to write: .jsonl, also with .gz, .zst, .xz or .bz2, or .parquet; - is stdout")
    add("--rejects", metavar="FILE", help="where rows go that cannot be read; default: a file beside --out")
    add("--strict", action="store_true", help="stop at the first of them")
    _dialect_arguments_of_data(add)
    group = parser.add_argument_group("checks")
    add = group.add_argument
    add("--check", nargs="*", choices=("calls", "mask"), metavar="calls|mask",
        help="refuse calls that their tool's schema refuses, and masks that do not cover exactly what the model writes; "
             "default: both that apply")
    add("--dedup", action="store_true", help="leave out rows that were there before, in whatever shape")
    add("--against", metavar="SUITE", help="leave out rows that hold a question of tier, bfcl, bfcl:FOLDER or a file")
    add("--keep-garbled", action="store_true", help="keep rows whose characters were decoded wrongly")
    group = parser.add_argument_group("the run")
    add = group.add_argument
    add("--jobs", type=_positive, metavar="N", help="processes; default: one a core")
    add("--engine", choices=("ray",), help="ray: on a Ray cluster, through Ray Data")
    add("--resume", action="store_true", help="go on with a conversion that was stopped")
    add("--force", action="store_true", help="begin anew, and write over what is there")
    add("--limit", type=_positive, metavar="N", help="so many rows of the input")
    add("--look", type=_positive, metavar="N", help="show the first N rows as they become, by what each stretch is, and "
                                                    "write nothing")
    add("--max-row", type=_positive, default=16 << 20, metavar="BYTES", help="longer rows are rejected; default: 16 MiB")
    add("--shard", type=_positive, default=4 << 20, metavar="BYTES", help="of input, done as one; default: 4 MiB")
    add("--json", action="store_true", help="print the summary as JSON")


def _dialect_arguments_of_data(add: Callable[..., object]) -> None:
    add("--dialect", "--model-id", metavar="NAME", help="a dialect, a model id or a dialect's JSON file")
    add("--repaired", dest="prompts", action="store_const", const="repaired", default="faithful",
        help="prompts without what the model's own chat template loses or bends")
    add("--idiom", metavar="NAME", help="how a zero-shot dialect tells of the tools")
    add("--template", metavar="FILE", help="the model's own Jinja chat template, for a zero-shot dialect")
    add("--train", choices=("all", "last", "calls"), default="all",
        help="the replies that have a loss, or their calls alone; default: all")
    add("--reasoning", choices=("train", "keep", "drop"), default="train",
        help="with a loss, without one, or not there; default: train")
    add("--thinking", action=argparse.BooleanOptionalAction, help="what the model will be asked for: reasoning, or none")
    add("--today", metavar="YYYY-MM-DD", help="the date that some models are told")
    add("--lossy", action="store_true", help="write what the dialect cannot say so that it is read back the same")
    add("--preference", action=argparse.BooleanOptionalAction, help="rows have a rejected reply; default: if the first has")
    add("--arguments", choices=("object", "text"), default="object", help="of calls in chat records; default: object")
    add("--parallel", action="store_true", help="say parallel_tool_calls in chat records")
    add("--tokenizer", metavar="PATH", help="a tokenizer.json, a folder with one, or a GGUF file")
    add("--max-tokens", type=_positive, metavar="N", help="longer rows are cut, by whole turns")
    add("--keep", dest="end", choices=("newest", "oldest"), default="newest", help="which end of them; default: newest")
    add("--pack", action="store_true", help="as many rows in a record as go into --max-tokens")


def _limit(text: str) -> int | None:
    return None if text == "all" else _positive(text)


def _engine_arguments(parser: argparse.ArgumentParser, default: str = "SmolLM2-135M-Instruct, fetched once") -> None:
    add = parser.add_argument
    add("--model", metavar="PATH|NAME", help="a GGUF file, or with a URL the model of those that it serves; default: "
                                             f"{default}")
    add("--api", metavar="KIND", help="what a URL is: llama-server, vllm, sglang, lm-studio, completions, ollama, tgi "
                                      "or chat; default: it is asked")
    add("--key-env", metavar="VAR", help=f"the environment variable that holds a server's key; default: {KEY}")
    add("--context", type=_positive, metavar="N", help="tokens of prompt and reply together")
    add("--threads", type=_positive, metavar="N", help="threads of the engine in this process; default: physical cores")


def _probe_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("engine", metavar="URL|PATH", help="a server, a GGUF file, a directory, or default")
    _engine_arguments(parser)
    parser.add_argument("--dialect", "--model-id", metavar="NAME", help="a dialect or a model id; default: what suits it")
    parser.add_argument("--json", action="store_true", help="as JSON")


def _prompt_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("question", nargs="?")
    _dialect_arguments(parser)
    add = parser.add_argument
    add("--messages", metavar="FILE.json", help="chat messages in OpenAI's shape; - is stdin")
    add("--template", metavar="FILE", help="the model's own Jinja chat template")
    add("--thinking", action=argparse.BooleanOptionalAction, help="ask for reasoning, or for none")
    add("--today", metavar="YYYY-MM-DD", help="the date that some models are told")
    add("--pieces", action="store_true", help="say what each piece is: in colour, or in brackets")
    add("--json", action="store_true", help="the pieces as JSON")


def _parse_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", default="-", help="the text; stdin without one")
    _dialect_arguments(parser)
    add = parser.add_argument
    add("--prompt", metavar="FILE", help="the prompt that the text follows")
    add("--strict", action="store_true", help="take nothing but what the format writes")
    add("--rescue", action="store_true", help="also read calls of the tools in any other shape, and mend their arguments")
    add("--stream", action="store_true", help="print events as they become certain, one JSON object a line")


def _arena_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--port", type=_port, default=8010, metavar="N", help="where it listens, on this machine alone; 0 takes a free "
                                                              "port; default: 8010")
    add("--open", action=argparse.BooleanOptionalAction, help="open it in a browser; default: where there is one to open")
    add("--engine", metavar="URL|PATH", help="also ask this engine: a server's URL, a GGUF file, a directory of "
                                             "transformers, or default; without one it shows and reads formats")
    _engine_arguments(parser, "none")


def _audit_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("source", nargs="+", metavar="SOURCE", help="a chat template, or what holds one; several give a table")
    add("--as", dest="form", choices=("text", "json", "markdown", "html"), help="default: text")
    add("-o", "--output", metavar="FILE", help="where to; .html, .md and .json say the form")
    add("--template", metavar="NAME", help="of several templates in a source, this one; default: tool_use, else default")
    add("--all", action="store_true", help="every template that a source holds")
    add("--bos", metavar="TEXT", help="the token that begins a text, where the source does not tell it")
    add("--eos", metavar="TEXT", help="the token that ends one, where the source does not tell it")
    add("--fail-under", type=int, choices=range(6), default=0, metavar="STARS", help="exit with 1 where stars are fewer")


def _export_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("dialect", help="a dialect, a model id or a dialect's JSON file")
    add("--as", dest="form", required=True, choices=FORMS, metavar="FORM", help=f"one of {', '.join(FORMS)}")
    add("--tools", action="append", default=[], metavar="FILE", help="what a constraint is made for; may be given again")
    add("--choice", metavar="auto|required|none|NAME", help="what a reply may be; default: auto")
    add("--repaired", dest="prompts", action="store_const", const="repaired", default="faithful",
        help="with prompts without what the model's own chat template loses or bends")
    add("-o", "--output", metavar="FILE", help="default: stdout")


def _import_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help="a dialect's JSON file, a response template, or a tokenizer_config.json with one")
    parser.add_argument("-o", "--output", metavar="FILE", help="write it down, as .json or .py")


LEARN_EXAMPLES = """examples:
  toolglot learn chat_template.jinja
  toolglot learn tokenizer_config.json --name my-model -o my_model.py

exit code: 0 learned; 2 it cannot be, and stderr says why"""


def _synthesize_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--tools", action="append", default=[], metavar="FILE",
        help="a Python file of functions, or a JSON file of tools; may be given again; default: a catalogue of our own")
    add("--rows", type=_positive, default=1000, metavar="N", help="conversations; default: 1000")
    add("--seed", type=int, default=0, metavar="S", help="the same seed gives the same rows; default: 0")
    add("--kinds", type=lambda text: text.split(","), default=[], metavar="KIND,...",
        help="single, parallel, several, multi-turn, missing, no-call, error, session; default: all of them")
    add("--most-tools", type=_positive, default=8, metavar="N", help="tools in a conversation's list; default: 8")
    add("--out", required=True, metavar="FILE", help="JSON lines of messages and tools; - is stdout")


def _learn_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("source", help="a Jinja file or a tokenizer_config.json; - is a template on stdin")
    add("-o", "--output", metavar="FILE", help="write the dialect as Python (.py) or JSON (.json)")
    add("--name", default="learned", metavar="NAME", help="of the dialect; default: learned")
    add("--bos", metavar="TEXT", help="the token that begins a text, where the source does not tell it")
    add("--eos", metavar="TEXT", help="the token that ends one, where the source does not tell it")
    add("--no-prompts", dest="prompts", action="store_false", help="how replies are written alone, which is quicker")


def _serve_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", metavar="FILE", help=f"a TOML file with the settings; default: {FILE}, if there is one")
    parser.add_argument("--print-config", action="store_true", help="print each setting and where it comes from, and stop")
    groups = {group: parser.add_argument_group(group) for group in dict.fromkeys(one.metadata["group"] for one in SETTINGS)}
    for one in SETTINGS:
        kind, help = one.metadata["kind"], f"{one.metadata['help']}; default: {default_of(one)}".replace("%", "%%")
        add = groups[one.metadata["group"]].add_argument
        if isinstance(one.default, bool):
            add(flag(one.name), dest=one.name, action=argparse.BooleanOptionalAction, help=help)
        else:
            add(flag(one.name), dest=one.name, metavar=kind.metavar, help=help)


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"expected a port, 0 to 65535, found {text!r}")
    return int(text)


def _positive(text: str) -> int:
    if not text.isdigit() or text == "0":
        raise argparse.ArgumentTypeError(f"expected a number, 1 or more, found {text!r}")
    return int(text)


# name: what it does, examples, its arguments
COMMANDS: dict[str, tuple[str, str, Callable[[argparse.ArgumentParser], object]]] = {
    "ask": ("ask a model, run the functions it calls, and show its answer", ASK_EXAMPLES, _ask_arguments),
    "evaluate": ("measure what a model can do with tools, and how best to ask it", EVALUATE_EXAMPLES, _evaluate_arguments),
    "probe": ("say what an engine is, and what it can be held to", "", _probe_arguments),
    "prompt": ("print the prompt of a question or a conversation, byte for byte", "", _prompt_arguments),
    "parse": ("read a model's text: the reply as JSON, problems on stderr", PARSE_EXAMPLES, _parse_arguments),
    "audit": ("rate a chat template: what it does with tools, and what it loses", AUDIT_EXAMPLES, _audit_arguments),
    "learn": ("learn the dialect of a chat template, by probing it", LEARN_EXAMPLES, _learn_arguments),
    "serve": ("answer the APIs of OpenAI and Anthropic with any model", SERVE_EXAMPLES, _serve_arguments),
    "arena": ("show prompts, replies and formats of all models on a page in the browser", ARENA_EXAMPLES, _arena_arguments),
    "convert": ("turn data sets of function calling into what a model is trained on", CONVERT_EXAMPLES, _convert_arguments),
    "synthesize": ("make conversations with exact answers out of tools, to train on", SYNTHESIZE_EXAMPLES,
                   _synthesize_arguments),
    "export": ("write a dialect, or a constraint made of it, in another form", EXPORT_EXAMPLES, _export_arguments),
    "import": ("read a dialect out of a file, and prove it", IMPORT_EXAMPLES, _import_arguments),
    "dialects": ("list the dialects", "", lambda one: one.add_argument("--json", action="store_true", help="as JSON")),
    "show": ("show all of a dialect", "", lambda one: one.add_argument("name", help="a dialect or a model id")),
    "pull": ("fetch the default model ahead of its first use", "", lambda one: None),
}
