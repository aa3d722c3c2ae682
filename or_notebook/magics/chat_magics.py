"""`%%chat` and `%chat`: parse, call, done."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from IPython.core import magic
from IPython.core.error import UsageError
from IPython.core.magic import Magics, magics_class, no_var_expand
from traitlets import Bool, Dict, Enum, Float, Int, Unicode

from or_notebook.magics.declared import declared
from or_notebook.magics.options import FORMATS, OPTIONS, SKINS
from or_notebook.magics.questions import keep_questions

if TYPE_CHECKING:
    from or_notebook.chat.reply import Reply
    from or_notebook.kernel.call import Call
    from or_notebook.magics.outputs import Outputs


MODEL_VARIABLE = "OPENROUTER_MODEL"

F = TypeVar("F", bound=Callable[..., Any])


class _Decorator(Protocol):
    def __call__(self, function: F) -> F: ...


# IPython's decorators carry no types that fit methods.
_cell_magic = cast("Callable[[str], _Decorator]", magic.cell_magic)
_line_magic = cast("Callable[[str], _Decorator]", magic.line_magic)


@magics_class
class ChatMagics(Magics):
    """Talk to language models from a cell. Set defaults with `%config ChatMagics.NAME = VALUE`."""

    model = Unicode(
        os.environ.get(MODEL_VARIABLE, ""),
        help="The model where a cell names none; on OpenRouter empty means its own choice. "
        f"Starts as {MODEL_VARIABLE} from the environment.",
    ).tag(config=True)
    system = Unicode("", help="The system prompt where a cell gives none.").tag(config=True)
    endpoint = Unicode(
        "",
        help="The endpoint, by name (deepseek, ollama, …) or address; empty means "
        "OPENROUTER_BASE_URL, else OpenRouter.",
    ).tag(config=True)
    endpoints = Dict(
        help="Endpoints of your own by name: {'mine': {'base_url': 'https://…/v1', "
        "'key_variable': 'MY_KEY', 'headers': {}, 'include_usage': True}}. Keys stay out of it."
    ).tag(config=True)
    api = Enum(SKINS, "chat", help="The dialect to speak.").tag(config=True)
    temperature = Float(None, allow_none=True, help="The default temperature.").tag(config=True)
    max_tokens = Int(None, allow_none=True, help="The default token limit.").tag(config=True)
    format = Enum(FORMATS, "markdown", help="How answers are shown.").tag(config=True)
    retries = Int(2, min=0, help="Further tries before the first token.").tag(config=True)
    first_token_timeout = Float(
        300.0, min=0.001, help="Seconds allowed to the first token; keepalives do not count."
    ).tag(config=True)
    between_tokens_timeout = Float(
        120.0, min=0.001, help="Seconds allowed between two tokens; keepalives do not count."
    ).tag(config=True)
    live = Bool(
        True, help="Show a live view while streaming; without it answers appear when complete."
    ).tag(config=True)

    _outputs: Outputs | None = None

    @no_var_expand
    @declared("%chat", OPTIONS)
    @_cell_magic("chat")
    def chat_cell(self, line: str, cell: str) -> None:
        """Send the cell to a language model and stream its answer below.

        The cell's body is sent as it is: braces, dollar and percent signs in it mean nothing. The
        last answer is always in `_chat`. Defaults: %config ChatMagics. Cancel keeps what has
        arrived and lets later cells run; Interrupt keeps it too and stops Run All.
        """
        from or_notebook.magics.arguments import parse

        options = parse(self.chat_cell, line)
        # A cell always ends with the line break that IPython adds to it.
        self._chat(options, cell[:-1] if cell.endswith("\n") else cell)

    @no_var_expand
    @_line_magic("chat")
    def chat_line(self, line: str) -> Reply | None:
        """Send the rest of the line to a language model, stream its answer, return the Reply.

        The options of `%%chat` come first; the prompt begins at the first word that is no option,
        and is sent as it is: `%chat -m openai/gpt-5.4-mini What's in {braces}?`
        """
        from or_notebook.magics.arguments import parse, split_prompt

        leading, prompt = split_prompt(line)
        options = parse(self.chat_cell, leading)
        return self._chat(options, prompt)

    def enable(self) -> None:
        """Prepare the shell: answers display as answers, finished widgets get tidied away."""
        from or_notebook.magics.outputs import Outputs

        shell = self._running_shell()
        self._outputs = Outputs(shell)
        self._outputs.enable()
        shell.input_transformers_cleanup.append(keep_questions)

    def disable(self) -> None:
        """Undo `enable`."""
        if self._outputs is not None:
            self._outputs.disable()
            self._outputs = None
            self._running_shell().input_transformers_cleanup.remove(keep_questions)

    def _chat(self, options: Namespace, prompt: str) -> Reply | None:
        from or_notebook.magics.run import dry_run, run, run_in_background

        if options.output is not None and not options.output.isidentifier():
            raise UsageError(
                f"%%chat: -o takes the name of a variable, not {options.output!r}.\n"
                "For instance: -o answer"
            )
        call = self._prepare(options, prompt)
        if options.dry_run:
            print(dry_run(call))  # noqa: T201 - this is what the person asked to see
            return None
        self._keep(call.reply, options.output)
        assert self._outputs is not None  # noqa: S101 - `enable` came before any magic
        background = options.background and not self._outputs.unattended()
        view = self._outputs.view(
            call, self._format(options), live=self.live, background=background
        )
        if background:
            run_in_background(call, view, self._outputs.closed)
        else:
            run(call, view)
        self._outputs.shown(call.reply)
        return call.reply

    def _prepare(self, options: Namespace, prompt: str) -> Call:
        from or_notebook.api import prepare
        from or_notebook.magics.fields import body_fields

        return prepare(
            prompt,
            model=options.model or self.model or None,
            system=options.system if options.system is not None else self.system or None,
            endpoint=options.endpoint or self.endpoint or None,
            own_endpoints=self.endpoints,
            api=options.api or self.api,
            schema=self._schema(options.schema),
            retries=self.retries,
            first_token_timeout=self.first_token_timeout,
            between_tokens_timeout=self.between_tokens_timeout,
            parameters={**self._defaults(), **body_fields(options)},
        )

    def _schema(self, name: str | None) -> Any:
        """Return what `--schema NAME` names in the person's namespace."""
        if name is None:
            return None
        namespace = self._running_shell().user_ns
        if name not in namespace:
            raise UsageError(
                f"%%chat: --schema: there is no variable {name!r} in this notebook.\n"
                "Define it first: a Pydantic model, dataclass, TypedDict, Struct or JSON schema."
            )
        return namespace[name]

    def _defaults(self) -> dict[str, Any]:
        fields = {"temperature": self.temperature, "max_tokens": self.max_tokens}
        return {name: value for name, value in fields.items() if value is not None}

    def _format(self, options: Namespace) -> str:
        """Return how to show the answer; JSON that was asked for is shown as JSON."""
        structured = options.json or options.schema
        return str(options.format or ("json" if structured else self.format))

    def _keep(self, reply: Reply, name: str | None) -> None:
        """Put the reply where later cells look; at once, so that an interrupt does not lose it."""
        namespace = self._running_shell().user_ns
        namespace["_chat"] = reply
        if name:
            namespace[name] = reply

    def _running_shell(self) -> Any:
        """Return the shell; IPython types it as optional, but magics always have one."""
        return self.shell
