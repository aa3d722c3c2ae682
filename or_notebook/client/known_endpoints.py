"""Services and servers that need no further description (PROTOCOL.md, section 7)."""

from __future__ import annotations

from typing import Any

import msgspec


class KnownEndpoint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of one endpoint.

    `key_variables` are tried in order. `include_usage` says whether to ask for the usage chunk with
    `stream_options`, which a few servers refuse. `efforts` maps a reasoning effort to the fields
    that this endpoint knows instead of `reasoning_effort`; `*` stands for any other effort.
    """

    base_url: str = ""
    key_variables: tuple[str, ...] = ()
    include_usage: bool = True
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    efforts: dict[str, dict[str, Any]] = msgspec.field(default_factory=dict)

    def __repr__(self) -> str:
        return f"KnownEndpoint(base_url={self.base_url!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Leave out the headers, which may hold a key, where rich prints this."""
        return [("base_url", self.base_url)]

    @property
    def key_variable(self) -> str:
        """The variable that the key is expected in."""
        return self.key_variables[0] if self.key_variables else ""

    def translate(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Return the parameters in this endpoint's own words."""
        effort = parameters.get("reasoning_effort")
        fields = self.efforts.get(effort, self.efforts.get("*")) if effort else None
        if fields is None:
            return parameters
        rest = {name: value for name, value in parameters.items() if name != "reasoning_effort"}
        return {**fields, **rest}


def is_secret(header: str) -> bool:
    """Tell whether a header's value must never be shown."""
    words = ("auth", "key", "token", "secret", "cookie", "password")
    return any(word in header.lower() for word in words)


OPENROUTER = KnownEndpoint(
    base_url="https://openrouter.ai/api/v1", key_variables=("OPENROUTER_API_KEY",)
)

_SILICONFLOW_EFFORTS: dict[str, dict[str, Any]] = {
    "none": {"enable_thinking": False},
    "minimal": {"enable_thinking": True, "thinking_budget": 512},
    "low": {"enable_thinking": True, "thinking_budget": 2048},
    "medium": {"enable_thinking": True, "thinking_budget": 8192},
    "high": {"enable_thinking": True, "thinking_budget": 16384},
    "*": {"enable_thinking": True, "thinking_budget": 32768},
}

KNOWN: dict[str, KnownEndpoint] = {
    "openrouter": OPENROUTER,
    "siliconflow": KnownEndpoint(
        base_url="https://api.siliconflow.cn/v1",
        key_variables=("SILICONFLOW_API_KEY",),
        efforts=_SILICONFLOW_EFFORTS,
    ),
    "deepseek": KnownEndpoint(
        base_url="https://api.deepseek.com", key_variables=("DEEPSEEK_API_KEY",)
    ),
    "openai": KnownEndpoint(
        base_url="https://api.openai.com/v1", key_variables=("OPENAI_API_KEY",)
    ),
    "groq": KnownEndpoint(
        base_url="https://api.groq.com/openai/v1", key_variables=("GROQ_API_KEY",)
    ),
    # Mistral sends usage unasked and refuses fields that it does not know.
    "mistral": KnownEndpoint(
        base_url="https://api.mistral.ai/v1",
        key_variables=("MISTRAL_API_KEY",),
        include_usage=False,
    ),
    "together": KnownEndpoint(
        base_url="https://api.together.xyz/v1", key_variables=("TOGETHER_API_KEY",)
    ),
    "ollama": KnownEndpoint(base_url="http://127.0.0.1:11434/v1"),
    "llamacpp": KnownEndpoint(base_url="http://127.0.0.1:8080/v1"),
    "vllm": KnownEndpoint(base_url="http://127.0.0.1:8000/v1"),
    "litellm": KnownEndpoint(
        base_url="http://127.0.0.1:4000/v1", key_variables=("LITELLM_API_KEY",)
    ),
}
"""Endpoints by the name that `--endpoint` takes."""
