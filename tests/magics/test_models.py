"""`%models`, `%key` and TAB completion in an IPython shell, and completion in a real kernel."""

from __future__ import annotations

import getpass
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.error import StdinNotImplementedError, UsageError

from or_notebook.client import catalogue_cache, keys
from or_notebook.client.catalogue_cache import DAY, Catalogue, remember, remembered
from or_notebook.client.models import Model
from or_notebook.display.models_table import bundle, for_terminal, table, to_text
from or_notebook.magics import completion
from or_notebook.wire.errors import AuthenticationFailed, ConfigurationError, ConnectionFailed
from tests.support.kernels import VERSIONS, live_kernel
from tests.support.metadata import answering_server
from tests.support.sandbox import until

KEY = "sk-or-v1-0123456789abcdef0123456789abcdef"
NOWHERE = "http://127.0.0.1:9/v1"


def some_models(count: int = 400) -> list[Model]:
    """Return models as rich in fields as OpenRouter's."""
    return [
        Model.from_wire(
            {
                "id": f"author-{n % 20}/model-{n:03}:free",
                "name": f"Author: Model {n}",
                "context_length": 1000 * n,
                "architecture": {"input_modalities": ["text"], "output_modalities": ["text"]},
                "pricing": {"prompt": f"0.{n:09}", "completion": f"0.{n:08}", "request": "0"},
                "supported_parameters": ["tools", "temperature", "top_p", "max_tokens", "stop"],
            }
        )
        for n in range(count)
    ]


@pytest.fixture(autouse=True)
def fresh_machine(tmp_path, monkeypatch):
    """A cache folder of the test's own, an empty memory, and no keyring."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(catalogue_cache, "_in_memory", {})
    monkeypatch.setattr(completion, "_tried", {})
    monkeypatch.setattr(keys, "_of_this_kernel", {})
    monkeypatch.setattr(keys, "_from_keyring", {})
    monkeypatch.setattr(keys, "_keyring", lambda: None)


@pytest.fixture
def server(shell, monkeypatch):
    """A server whose answers the test chooses, as the configured endpoint."""
    with answering_server(KEY) as server:
        monkeypatch.setenv("OPENROUTER_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENROUTER_API_KEY", KEY)
        yield server


@pytest.fixture
def offline(shell, monkeypatch):
    """An endpoint where nobody listens."""
    monkeypatch.setenv("OPENROUTER_BASE_URL", NOWHERE)


def shown(shell, capsys, line: str) -> str:
    capsys.readouterr()
    shell.run_cell(line).raise_error()
    return capsys.readouterr().out


def listed(shell, options: str) -> list[str]:
    """Return the names that `%models` with these options finds."""
    shell.run_cell(f"%models {options} -o found").raise_error()
    return [model.id for model in shell.user_ns["found"]]


class TestModels:
    """`%models` shows the catalogue, filtered and sorted."""

    def test_table_of_the_endpoint(self, shell, capsys):
        output = shown(shell, capsys, "%models")
        (line,) = [line for line in output.splitlines() if line.startswith("sandbox/reasoning ")]
        assert line.split()[1:4] == ["$3.00", "$15.00", "131,072"]
        assert " models of 127.0.0.1:" in output

    def test_returns_nothing(self, shell):
        assert shell.run_cell("value = %models").success
        assert shell.user_ns["value"] is None

    @pytest.mark.parametrize(
        ("options", "names"),
        [
            ("", ["a/Vision", "b/free:free", "c/tools", "openrouter/auto", "z/local"]),
            ("VISION", ["a/Vision"]),
            ("tool c/", ["c/tools"]),
            ("'human name'", ["c/tools"]),
            ("*:free", ["b/free:free"]),
            ("auto", ["openrouter/auto"]),
            ("aut?", ["openrouter/auto"]),
            ("[a-z]*", []),
            (".*", []),
            ("--free", ["b/free:free"]),
            ("--vision", ["a/Vision"]),
            ("--tools", ["c/tools"]),
            ("--reasoning", ["a/Vision"]),
            ("--max-price 2", ["b/free:free", "c/tools"]),
            ("--max-price $1.99", ["b/free:free"]),
            ("--sort price", ["b/free:free", "c/tools", "a/Vision", "openrouter/auto", "z/local"]),
            ("--sort context o", ["c/tools", "a/Vision", "openrouter/auto", "z/local"]),
            ("--sort name", ["a/Vision", "b/free:free", "c/tools", "openrouter/auto", "z/local"]),
            ("--tools --free", []),
        ],
    )  # fmt: skip
    def test_choice(self, shell, server, options, names):
        entries = [
            {"id": "a/Vision", "context_length": 5,
             "architecture": {"input_modalities": ["text", "image"]},
             "pricing": {"prompt": "0.000003", "completion": "0.000015"}, "reasoning": {}},
            {"id": "b/free:free", "pricing": {"prompt": "0", "completion": "0"}},
            {"id": "c/tools", "name": "A Human Name", "context_length": 9,
             "supported_parameters": ["tools"],
             "pricing": {"prompt": "0.000001", "completion": "0.000002"}},
            {"id": "openrouter/auto", "pricing": {"prompt": "-1", "completion": "-1"}},
            {"id": "z/local"},
        ]  # fmt: skip
        server.answer("/models", {"data": entries})
        assert listed(shell, options) == names

    def test_nothing_found_names_what_is_near(self, shell, capsys):
        output = shown(shell, capsys, "%models sandbox/reasonin8")
        assert output.splitlines()[0].startswith("0 of ")
        assert "Did you mean sandbox/reasoning" in output

    @pytest.mark.parametrize(
        ("line", "advice"),
        [
            ("--sort length", "price"),
            ("--max-price cheap", "--max-price 2.50"),
            ("-o 'no name'", "-o found"),
            ("--frei", "%models[?]"),
            ("'open", "%models[?]"),
        ],
    )
    def test_mistake_says_what_to_type_instead(self, shell, line, advice):
        with pytest.raises(UsageError, match=advice) as caught:
            shell.run_cell(f"%models {line}").raise_error()
        assert len(str(caught.value).splitlines()) <= 3

    def test_another_endpoint_by_name(self, shell, capsys, offline, sandbox):
        shell.run_line_magic(
            "config", f"ChatMagics.endpoints = {{'mine': {{'base_url': '{sandbox.base_url}'}}}}"
        )
        assert "sandbox/hello" in shown(shell, capsys, "%models --endpoint mine")
        with pytest.raises(ConfigurationError, match="no endpoint 'yours'"):
            shell.run_cell("%models --endpoint yours").raise_error()

    def test_second_call_asks_nobody_unless_told_to(self, shell, server):
        server.answer("/models", {"data": [{"id": "a"}]})
        listed(shell, "")
        listed(shell, "")
        assert len(server.seen) == 1
        listed(shell, "--refresh")
        assert len(server.seen) == 2

    def test_offline_with_a_stale_catalogue_says_so(self, shell, offline, capsys):
        remember(NOWHERE, Catalogue(some_models(3), time.time() - 3 * DAY))
        output = shown(shell, capsys, "%models")
        assert "author-2/model-002:free" in output
        assert "3 models of 127.0.0.1:9. Stale catalogue, 3 days old: " in output
        assert "refused the connection" in output

    def test_offline_without_a_catalogue_is_an_error_of_three_lines(self, shell, offline, capsys):
        with pytest.raises(ConnectionFailed) as caught:
            shell.run_cell("%models").raise_error()
        assert len(str(caught.value).splitlines()) <= 3
        assert "Traceback" not in "".join(capsys.readouterr())

    def test_four_hundred_models_from_the_cache_take_a_tenth_of_a_second(self, shell, capsys):
        remember(os.environ["OPENROUTER_BASE_URL"], Catalogue(some_models(), time.time()))
        catalogue_cache._in_memory.clear()
        shown(shell, capsys, "%models nothing-like-that")
        began = time.perf_counter()
        output = shown(shell, capsys, "%models")
        assert time.perf_counter() - began < 0.1
        assert output.count("author-") == 400

    def test_interrupt_ends_the_waiting(self, shell, server):
        server.silent = True

        def interrupt() -> None:
            until(lambda: server.seen)
            os.kill(os.getpid(), signal.SIGINT)

        with ThreadPoolExecutor(1) as pool:
            watcher = pool.submit(interrupt)
            with pytest.raises(KeyboardInterrupt):
                shell.run_line_magic("models", "")
            watcher.result()


class TestTable:
    """The table reads well everywhere and acts nowhere."""

    EVIL = "<script>x</script>\"'&\x1b[31m\u202e"

    def test_html_is_escaped_and_semantic(self):
        html = bundle(table([Model(id=self.EVIL, name=self.EVIL)], self.EVIL))["text/html"]
        assert "<script" not in html
        assert "\x1b" not in html
        assert "\u202e" not in html
        assert '<th scope="col"' in html
        assert '<th scope="row"' in html

    def test_html_needs_no_script_and_no_style_sheet(self):
        html = bundle(table(some_models(5), "5 models."))["text/html"]
        assert not any(word in html for word in ("<script", "<style", "onclick", "href", "src="))

    def test_prices_are_per_million_and_never_a_false_zero(self):
        prices = [
            {"prompt": "0.0000004", "completion": "0.000015"},
            {"prompt": "0", "completion": "0"},
            {"prompt": "0", "completion": "0.0012345"},
            {"prompt": "-1", "completion": "-1"},
            {},
        ]
        models = [Model.from_wire({"id": str(n), "pricing": p}) for n, p in enumerate(prices)]
        assert [row[1:] for row in table(models, "").rows] == [
            ["$0.40", "$15.00"],
            ["free", "free"],
            ["$0", "$1,234.50"],
            ["varies", "varies"],
            ["–", "–"],
        ]

    def test_columns_that_nobody_fills_are_left_out(self):
        assert to_text(table([Model(id="llama3")], "1 model.")) == "Model\nllama3\n\n1 model."

    def test_narrow_terminal_loses_the_last_columns_first(self, monkeypatch):
        monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
        monkeypatch.setenv("COLUMNS", "60")
        lines = for_terminal(table(some_models(5), "5 models.")).splitlines()
        assert lines[0].split("  ")[0] == "Model"
        assert max(map(len, lines)) <= 60
        assert "Context" in lines[0]
        assert "Abilities" not in lines[0]


class TestCompletion:
    """TAB completes model names from the catalogue that is there."""

    NAMES = ("openai/gpt-5.4-mini", "openai/gpt-5.4", "anthropic/claude-sonnet-5:beta", "llama3")

    @pytest.fixture(autouse=True)
    def known(self, shell):
        remember(
            os.environ["OPENROUTER_BASE_URL"],
            Catalogue([Model(id=name) for name in self.NAMES], time.time()),
        )

    @pytest.mark.parametrize(
        ("text", "replaced", "names"),
        [
            ("%%chat op", "op", NAMES[:2]),
            ("%%chat openai/gpt-5.4-", "openai/gpt-5.4-", NAMES[:1]),
            ("%%chat anthropic/claude-sonnet-5:", "anthropic/claude-sonnet-5:", NAMES[2:3]),
            ("%%chat gpt", "gpt", NAMES[:2]),
            ("%%chat SONNET", "SONNET", NAMES[2:3]),
            ("%%chat ", "", NAMES),
            ("%%chat -t 0.5 -m ll", "ll", NAMES[3:]),
            ("%%chat --model ll", "ll", NAMES[3:]),
            ("%%chat --model=openai/gpt-5.4-m", "openai/gpt-5.4-m", NAMES[:1]),
            ("%%chat -b ll", "ll", NAMES[3:]),
            ("%%chat llama3 --fallback openai/gpt-5.4,anth", "anth", NAMES[2:3]),
            ("%chat -m ll", "ll", NAMES[3:]),
            ("  answer = %chat -m ll", "ll", NAMES[3:]),
            ("x = 1\n%chat -m ll", "ll", NAMES[3:]),
            ("%%compare llama3 anth", "anth", NAMES[2:3]),
            ("%models cla", "cla", NAMES[2:3]),
        ],
    )
    def test_names_replace_what_was_typed(self, shell, text, replaced, names):
        with provisionalcompleter():
            found = list(shell.Completer.completions(text, len(text)))
        assert tuple(entry.text for entry in found) == names
        assert {text[entry.start : entry.end] for entry in found} == {replaced}

    def test_text_after_the_cursor_stays(self, shell):
        with provisionalcompleter():
            (found,) = shell.Completer.completions("%%chat ll -t 0.5\nHello", 9)
        assert (found.start, found.end, found.text) == (7, 9, "llama3")

    @pytest.mark.parametrize(
        "text",
        [
            "%%chat llama3 op",
            "%%chat -m llama3 op",
            "%%chat -s op",
            "%%chat -o op",
            "%%chat\nop",
            "%%chat llama3\nTell me about op",
            "%chat op",
            "x = 1\n%%chat op",
            "op",
            "%chatter op",
            "%models --sort op",
        ],
    )
    def test_no_names_where_none_goes(self, shell, text):
        with provisionalcompleter():
            found = [entry.text for entry in shell.Completer.completions(text, len(text))]
        assert not set(found) & set(self.NAMES)

    def test_four_hundred_models_take_a_tenth_of_a_second(self, shell):
        remember(os.environ["OPENROUTER_BASE_URL"], Catalogue(some_models(), time.time()))
        catalogue_cache._in_memory.clear()
        began = time.perf_counter()
        with provisionalcompleter():
            found = list(shell.Completer.completions("%%chat author", 13))
        assert time.perf_counter() - began < 0.1
        assert len(found) == 400

    def test_missing_catalogue_is_fetched_meanwhile(self, shell, server):
        server.answer("/models", {"data": [{"id": "somebody/new"}]})
        server.silent = True
        with provisionalcompleter():
            list(shell.Completer.completions("%%chat some", 11))
            list(shell.Completer.completions("%%chat some", 11))
            server.go_on.set()
            until(lambda: remembered(server.base_url))
            (found,) = shell.Completer.completions("%%chat some", 11)
        assert found.text == "somebody/new"
        assert len(server.seen) == 1

    def test_stale_catalogue_is_used_while_a_newer_one_comes(self, shell, server):
        remember(server.base_url, Catalogue([Model(id="somebody/old")], time.time() - 2 * DAY))
        server.answer("/models", {"data": [{"id": "somebody/new"}]})
        with provisionalcompleter():
            (found,) = shell.Completer.completions("%%chat some", 11)
            assert found.text == "somebody/old"
            until(lambda: remembered(server.base_url).ids == ["somebody/new"])

    def test_endpoint_of_the_line_is_used(self, shell):
        remember("https://api.deepseek.com", Catalogue([Model(id="deepseek-chat")], time.time()))
        text = "%%chat --endpoint deepseek -m deep"
        with provisionalcompleter():
            (found,) = shell.Completer.completions(text, len(text))
        assert found.text == "deepseek-chat"

    def test_disable_takes_it_away(self, shell):
        completion.disable(shell)
        with provisionalcompleter():
            found = [entry.text for entry in shell.Completer.completions("%%chat openai", 13)]
        assert not set(found) & set(self.NAMES)
        completion.enable(shell)


class TestKey:
    """`%key` tells all about the key but the key."""

    ANSWER = {"label": "my notebook", "limit": 10, "limit_remaining": 7.5, "usage": 2.5}

    def test_environment(self, shell, server, capsys):
        server.answer("/key", {"data": self.ANSWER})
        server.answer("/credits", {"error": {"code": 403, "message": "management keys only"}}, 403)
        output = shown(shell, capsys, "%key")
        assert output.splitlines()[1:] == [
            "Key from   OPENROUTER_API_KEY in the environment",
            "Label      my notebook",
            "Limit      $10.00",
            "Remaining  $7.50",
            "Used       $2.50",
        ]

    def test_credits_where_they_are_told(self, shell, server, capsys):
        server.answer("/key", {"data": self.ANSWER})
        server.answer("/credits", {"data": {"total_credits": 20, "total_usage": 5.5}})
        assert "Credits left  $14.50" in shown(shell, capsys, "%key")

    def test_the_sandbox_tells_what_was_spent(self, shell, capsys):
        shell.run_cell("%%chat sandbox/hello@5000\nHi").raise_error()
        assert "Remaining     $9.99" in shown(shell, capsys, "%key")

    @pytest.mark.parametrize("label", [KEY, "sk-or-v1-012...def", f"x{KEY[9:18]}y", "012…def"])
    def test_label_that_shows_the_key_is_left_out(self, shell, server, capsys, label):
        server.answer("/key", {"data": {**self.ANSWER, "label": label}})
        output = shown(shell, capsys, "%key")
        assert "Label" not in output
        assert "$7.50" in output

    def test_refused_key_names_its_source_and_not_itself(self, shell, server, capsys):
        server.answer("/key", {"error": {"code": 401, "message": f"Bad key {KEY}"}}, 401)
        with pytest.raises(AuthenticationFailed) as caught:
            shell.run_cell("%key").raise_error()
        output = "".join(capsys.readouterr())
        assert "OPENROUTER_API_KEY in the environment" in output
        assert KEY[9:17] not in output + str(caught.value)
        assert len(str(caught.value).splitlines()) <= 3

    def test_server_that_knows_no_keys(self, shell, server, capsys):
        assert "tells nothing of it" in shown(shell, capsys, "%key")

    def test_no_key(self, shell, sandbox, monkeypatch, capsys):
        monkeypatch.delenv("OPENROUTER_API_KEY")
        output = shown(shell, capsys, "%key")
        assert "nowhere: set OPENROUTER_API_KEY or run %key set" in output
        assert sandbox.requests() == []

    def test_set_is_hidden_and_used_at_once(self, shell, sandbox, monkeypatch, capsys):
        monkeypatch.delenv("OPENROUTER_API_KEY")
        prompts = []
        monkeypatch.setattr(getpass, "getpass", lambda prompt: prompts.append(prompt) or KEY)
        output = shown(shell, capsys, "%key set")
        assert prompts == ["Key for 127.0.0.1 (not shown): "]
        assert "for this kernel only" in output
        output += shown(shell, capsys, "%key")
        assert "%key set, in this kernel" in output
        assert KEY[9:17] not in output
        assert sandbox.requests()[-1]["key"]["present"] is True
        assert "removed" in shown(shell, capsys, "%key forget")
        assert "nowhere" in shown(shell, capsys, "%key")
        assert "no stored key" in shown(shell, capsys, "%key forget")

    def test_set_says_that_the_environment_wins(self, shell, monkeypatch, capsys):
        monkeypatch.setattr(getpass, "getpass", lambda prompt: KEY)
        assert "OPENROUTER_API_KEY is set in the environment, and wins" in shown(
            shell, capsys, "%key set"
        )

    def test_empty_input_changes_nothing(self, shell, monkeypatch, capsys):
        monkeypatch.setattr(getpass, "getpass", lambda prompt: " ")
        assert "nothing was changed" in shown(shell, capsys, "%key set")
        assert keys.storage("127.0.0.1") is None

    def test_key_with_a_line_break_is_refused_without_being_shown(self, shell, monkeypatch):
        monkeypatch.setattr(getpass, "getpass", lambda prompt: f"{KEY}\n{KEY}")
        with pytest.raises(ConfigurationError) as caught:
            shell.run_cell("%key set").raise_error()
        assert KEY[9:17] not in str(caught.value)

    @pytest.mark.parametrize("problem", [EOFError, StdinNotImplementedError])
    def test_where_nobody_can_be_asked(self, shell, monkeypatch, problem):
        def nobody(_prompt: str) -> str:
            raise problem

        monkeypatch.setattr(getpass, "getpass", nobody)
        with pytest.raises(UsageError, match="nobody can be asked"):
            shell.run_cell("%key set").raise_error()

    def test_unknown_action(self, shell):
        with pytest.raises(UsageError, match=r"%key[?]"):
            shell.run_cell("%key show-it").raise_error()


@pytest.mark.kernel
@pytest.mark.parametrize("version", ["6.31", VERSIONS[-1]])
def test_completion_in_a_kernel_replaces_the_whole_name(version, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENROUTER_BASE_URL", NOWHERE)
    remember(NOWHERE, Catalogue([Model(id="openai/gpt-5.4-mini:free")], time.time()))
    code = "%%chat -m openai/gpt-5.4-m"
    with live_kernel(version) as kernel:
        kernel.run("%load_ext or_notebook")
        reply = kernel.reply(
            kernel.send("complete_request", {"code": code, "cursor_pos": len(code)})
        )["content"]
    assert reply["matches"] == ["openai/gpt-5.4-mini:free"]
    assert code[reply["cursor_start"] : reply["cursor_end"]] == "openai/gpt-5.4-m"


def test_loading_imports_nothing_heavy():
    import subprocess
    import sys

    script = (
        "import or_notebook.magics.models_magics, or_notebook.magics.completion, sys; "
        "print({'httpx', 'msgspec', 'anywidget', 'ipywidgets', 'rich', 'keyring'} "
        "& set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stdout.strip() == b"set()"
