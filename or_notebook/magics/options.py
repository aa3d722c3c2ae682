"""The options of `%%chat`, declared once; `%%chat?` shows them in this order."""

from __future__ import annotations

from or_notebook.magics.declared import Option

FORMATS = ("markdown", "text", "code", "json")
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
SKINS = ("chat", "responses", "messages", "completions")
SORTS = ("price", "throughput", "latency")

OPTIONS: tuple[Option, ...] = (
    (("name",), {"nargs": "?", "metavar": "MODEL", "help": "The model, like -m."}),
    (("-m", "--model"), {"help": "The model, e.g. anthropic/claude-sonnet-5."}),
    (("-s", "--system"), {"metavar": "TEXT", "help": "The system prompt, in quotes."}),
    (("-t", "--temperature"), {"type": float, "metavar": "T", "help": "0 to 2; low is sober."}),
    (("--top-p",), {"type": float, "metavar": "P", "help": "Nucleus sampling, above 0 to 1."}),
    (("--max-tokens",), {"type": int, "metavar": "N", "help": "Stop after N tokens."}),
    (("--seed",), {"type": int, "metavar": "N", "help": "Ask for a repeatable answer."}),
    (
        ("--stop",),
        {"action": "append", "metavar": "TEXT", "help": "Stop before TEXT; up to four times."},
    ),
    (
        ("-r", "--reasoning"),
        {"choices": EFFORTS, "metavar": "EFFORT", "help": f"Thinking: {'|'.join(EFFORTS)}."},
    ),
    (("-o", "--output"), {"metavar": "NAME", "help": "Put the Reply into the variable NAME."}),
    (
        ("-b", "--background"),
        {
            "action": "store_true",
            "help": "Let the cell end at once; the answer goes on below it. While a later cell "
            "runs, its Cancel button may have to wait for that cell.",
        },
    ),
    (
        ("--format",),
        {"choices": FORMATS, "help": f"How to show the answer: {'|'.join(FORMATS)}."},
    ),
    (
        ("-p", "--param"),
        {
            "action": "append",
            "metavar": "KEY=VALUE",
            "help": "Any other field of the request; VALUE is JSON or text, dots in KEY nest: "
            "-p provider.sort=price.",
        },
    ),
    (
        ("--dry-run",),
        {"action": "store_true", "help": "Show what would be sent, and send nothing."},
    ),
    (
        ("--endpoint",),
        {"metavar": "NAME|URL", "help": "Where to send it: deepseek, ollama, a URL."},
    ),
    (("--api",), {"choices": SKINS, "help": f"The dialect to speak: {'|'.join(SKINS)}."}),
    (("--json",), {"action": "store_true", "help": "Ask for a JSON object."}),
    (
        ("--schema",),
        {
            "metavar": "NAME",
            "help": "Ask for what the type or JSON schema NAME describes; _chat.parsed holds it.",
        },
    ),
    (
        ("--fallback",),
        {"metavar": "M1,M2", "help": "OpenRouter: models to try if the first one fails."},
    ),
    (("--provider",), {"metavar": "A,B", "help": "OpenRouter: providers to try first, in order."}),
    (("--only",), {"metavar": "A,B", "help": "OpenRouter: use these providers only."}),
    (("--ignore",), {"metavar": "A,B", "help": "OpenRouter: use none of these providers."}),
    (("--sort",), {"choices": SORTS, "help": f"OpenRouter: prefer by {'|'.join(SORTS)}."}),
    (
        ("--max-price",),
        {
            "metavar": "IN[,OUT]",
            "help": "OpenRouter: pay at most IN and OUT USD per million tokens.",
        },
    ),
    (("--web",), {"action": "store_true", "help": "OpenRouter: let the model search the web."}),
    (
        ("--pdf-engine",),
        {"metavar": "ENGINE", "help": "OpenRouter: mistral-ocr, native or cloudflare-ai."},
    ),
)
