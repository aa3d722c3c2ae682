"""`%%chat` and `%chat` in an IPython shell, against the sandbox."""

from __future__ import annotations

import json

import pytest
from IPython.core.error import UsageError

from or_notebook.wire.errors import ConfigurationError, NotFound, OutOfCredits, ProviderFailed

PROMPTS = [
    "braces {x} {{y}} {0!r:>{width}}",
    "dollars $HOME ${x} $$E = mc^2$$",
    "percent %d %s %%chat %matplotlib 100 %",
    "backslashes \\n \\frac{a}{b} \\\\",
    "quotes ' \" ''' \"\"\" ` “”",
    "shell !ls > /dev/null && $(echo hi)",
    "help? ?help object??",
    'json {"a": [1, {"b": null}]}',
    "css a { color: red; } /* x */",
    "  leading space and trailing space  ",
    "two lines\n\n\tand a tab\n  indented",
    "unicode \U0001f600 \u2028 é e\u0301 \u202e",
]


def chat(shell, line: str, body: str = "hi"):
    """Run a `%%chat` cell as a front end does; raise what it raised, return `_chat`."""
    result = shell.run_cell(f"%%chat {line}\n{body}")
    result.raise_error()
    return shell.user_ns["_chat"]


def last_body(sandbox):
    return sandbox.requests()[-1]["body"]


class TestPrompt:
    """What stands in the cell arrives as it is."""

    @pytest.mark.parametrize("prompt", PROMPTS)
    def test_cell_is_sent_literally(self, shell, sandbox, prompt):
        shell.user_ns.update(x="FILLED", width=9, HOME="FILLED")
        chat(shell, "sandbox/hello@5000", prompt)
        assert last_body(sandbox)["messages"] == [{"role": "user", "content": prompt}]

    @pytest.mark.parametrize("prompt", [prompt for prompt in PROMPTS if "\n" not in prompt])
    def test_line_is_sent_literally(self, shell, sandbox, prompt):
        shell.user_ns.update(x="FILLED", width=9, HOME="FILLED")
        prompt = prompt.strip().replace("\u2028", "")
        shell.run_line_magic("chat", f"-m sandbox/hello@5000 {prompt}")
        assert last_body(sandbox)["messages"] == [{"role": "user", "content": prompt}]

    def test_empty_prompt_is_an_error_and_sends_nothing(self, shell, sandbox):
        with pytest.raises(ConfigurationError, match="prompt is empty"):
            chat(shell, "sandbox/hello", "  \n ")
        assert sandbox.requests() == []


class TestOptions:
    """Every option reaches the request."""

    def test_all_of_them(self, shell, sandbox):
        chat(
            shell,
            "-m sandbox/hello@5000 -s 'Be {brief}.' -t 0.5 --top-p 0.9 --max-tokens 50 --seed 7 "
            "--stop END --stop 'TWO WORDS' -r low -p top_k=3 -p provider.sort=price "
            "-p 'provider.order=[\"a\"]' -p user=someone",
        )
        body = last_body(sandbox)
        assert body["messages"][0] == {"role": "system", "content": "Be {brief}."}
        expected = {
            "temperature": 0.5,
            "top_p": 0.9,
            "max_tokens": 50,
            "seed": 7,
            "stop": ["END", "TWO WORDS"],
            "reasoning_effort": "low",
            "top_k": 3,
            "provider": {"sort": "price", "order": ["a"]},
            "user": "someone",
        }
        assert {name: body[name] for name in expected} == expected

    def test_model_as_first_word(self, shell, sandbox):
        chat(shell, "sandbox/hello@5000")
        assert last_body(sandbox)["model"] == "sandbox/hello@5000"

    def test_output_goes_into_the_variable(self, shell):
        reply = chat(shell, "sandbox/hello@5000 -o greeting")
        assert shell.user_ns["greeting"] is reply
        assert reply.status == "complete"

    def test_defaults_from_config_and_options_win(self, shell, sandbox):
        shell.run_line_magic("config", "ChatMagics.model = 'sandbox/hello@5000'")
        shell.run_line_magic("config", "ChatMagics.system = 'Default.'")
        shell.run_line_magic("config", "ChatMagics.temperature = 0.1")
        chat(shell, "")
        assert last_body(sandbox)["model"] == "sandbox/hello@5000"
        assert last_body(sandbox)["messages"][0]["content"] == "Default."
        assert last_body(sandbox)["temperature"] == 0.1
        chat(shell, "-s Other. -t 0.9")
        assert last_body(sandbox)["messages"][0]["content"] == "Other."
        assert last_body(sandbox)["temperature"] == 0.9

    def test_dry_run_shows_what_would_be_sent_and_sends_nothing(self, shell, sandbox, capsys):
        shell.run_cell("%%chat sandbox/hello --dry-run -t 0.5\nA {prompt}").raise_error()
        shown = capsys.readouterr().out
        head, _, body = shown.partition("\n\n")
        assert head.startswith(f"POST {sandbox.base_url}/chat/completions")
        assert "sandbox-key" not in shown
        assert json.loads(body)["messages"] == [{"role": "user", "content": "A {prompt}"}]
        assert sandbox.requests() == []

    def test_help_documents_every_option(self, shell, capsys):
        shell.run_cell("%%chat?")
        shown = capsys.readouterr().out
        for option in ("--system", "--top-p", "--background", "--format", "--dry-run", "--param"):
            assert option in shown

    @pytest.mark.parametrize(
        ("line", "advice"),
        [
            ("--modle x", "--model"),
            ("--temprature 1", "--temperature"),
            ("-t warm", "%%chat?"),
            ("-s 'open", "Close the quote"),
            ("-p novalue", "KEY=VALUE"),
            ("a/b what is this", "below"),
            ("-o 'no name' a/b", "-o answer"),
            ("a/b -m c/d", "two models"),
            ("-p a=1 -p a.b=2 x", "one or the other"),
        ],
    )
    def test_mistake_says_what_to_type_instead(self, shell, sandbox, line, advice):
        with pytest.raises(UsageError, match=advice.replace("?", "[?]")) as caught:
            chat(shell, line)
        assert len(str(caught.value).splitlines()) <= 3
        assert sandbox.requests() == []


class TestLineMagic:
    """`%chat ONE LINE` returns the reply."""

    def test_returns_the_reply(self, shell):
        shell.run_cell("answer = %chat -m sandbox/hello@5000 Hi").raise_error()
        assert shell.user_ns["answer"] is shell.user_ns["_chat"]

    def test_quoted_option_values(self, shell, sandbox):
        shell.run_line_magic("chat", '--model=sandbox/hello@5000 -s "two words" -t0.5 It\'s -x')
        body = last_body(sandbox)
        assert [message["content"] for message in body["messages"]] == ["two words", "It's -x"]
        assert body["temperature"] == 0.5

    def test_two_dashes_end_the_options(self, shell, sandbox):
        shell.run_line_magic("chat", "-m sandbox/hello@5000 -- -t is an option")
        assert last_body(sandbox)["messages"][0]["content"] == "-t is an option"

    def test_its_value_is_not_shown_twice(self, shell, capsys):
        shell.run_cell("%chat -m sandbox/hello@5000 Hi").raise_error()
        _, _, value = capsys.readouterr().out.partition("Out[")
        assert value.partition(": ")[2].startswith("<Reply complete")
        assert "·" not in value

    def test_reply_at_the_end_of_a_later_cell_is_shown_as_text(self, shell, capsys):
        reply = chat(shell, "sandbox/hello@5000")
        capsys.readouterr()
        shell.run_cell("_chat").raise_error()
        assert reply.text.split()[0] in capsys.readouterr().out


class TestFailures:
    """A failed request raises, in three lines at most, and keeps what had arrived."""

    def test_error_in_the_middle(self, shell, capsys):
        with pytest.raises(ProviderFailed):
            chat(shell, "sandbox/fails@5000")
        reply = shell.user_ns["_chat"]
        assert (reply.status, bool(reply.text)) == ("failed", True)
        assert "Traceback" not in "".join(capsys.readouterr())

    def test_out_of_credits_is_rendered_in_three_lines(self, shell, capsys):
        with pytest.raises(OutOfCredits):
            chat(shell, "sandbox/out-of-credits")
        shown = capsys.readouterr()
        assert "credit" in shown.out + shown.err
        assert len(shown.err.strip().splitlines()) <= 3

    def test_model_that_does_not_exist_names_its_neighbours(self, shell):
        with pytest.raises(NotFound, match="sandbox/hello"):
            chat(shell, "sandbox/hallo")

    def test_retry_is_visible_afterwards(self, shell):
        reply = chat(shell, "sandbox/rate-limited@5000", "a prompt of its own")
        assert reply.status == "complete"
        assert [retry.attempt for retry in reply.retries] == [1]


class TestExtension:
    """Loading, unloading, reloading."""

    def test_second_load_is_harmless(self, shell):
        import or_notebook

        magics = shell.find_cell_magic("chat")
        or_notebook.load_ipython_extension(shell)
        assert shell.find_cell_magic("chat") == magics

    def test_unload_takes_everything_away(self, shell):
        shell.run_line_magic("unload_ext", "or_notebook")
        assert shell.find_cell_magic("chat") is None
        assert shell.find_line_magic("chat") is None
        assert "ChatMagics" not in [type(entry).__name__ for entry in shell.configurables]
        shell.run_line_magic("load_ext", "or_notebook")

    def test_reload_keeps_working(self, shell):
        shell.run_line_magic("reload_ext", "or_notebook")
        assert chat(shell, "sandbox/hello@5000").status == "complete"


class TestQuestions:
    """IPython's help syntax ends in a question mark, and so do questions."""

    @pytest.mark.parametrize(
        "line",
        [
            "%chat -m sandbox/hello@5000 how are you?",
            "%chat -m sandbox/hello@5000 really??",
            "answer = %chat -m sandbox/hello@5000 what is it?",
            "for _ in range(1):\n    %chat -m sandbox/hello@5000 why?",
        ],
    )
    def test_reach_the_model(self, shell, sandbox, line):
        shell.run_cell(line).raise_error()
        question = line.rpartition("@5000 ")[2]
        assert last_body(sandbox)["messages"] == [{"role": "user", "content": question}]

    def test_help_on_the_magic_stays_help(self, shell, sandbox, capsys):
        shell.run_cell("%chat?").raise_error()
        assert "rest of the line" in capsys.readouterr().out
        assert sandbox.requests() == []

    def test_other_cells_are_untouched(self):
        from or_notebook.magics.questions import keep_questions

        for text in ("len?\n", "%%chat\nwhat is %chat a?\n", "x = 1\n", "%timeit f?\n"):
            lines = text.splitlines(keepends=True)
            assert keep_questions(lines) == lines
