"""Whether a provider stops billing when a stream is cancelled (PROTOCOL.md, section 4)."""

from __future__ import annotations

STOPS_BILLING = (
    "OpenAI, Azure, Anthropic, Fireworks, Mancer, Recursal, AnyScale, Lepton, OctoAI, Novita, "
    "DeepInfra, Together, Cohere, Hyperbolic, Infermatic, Avian, XAI, Cloudflare, SFCompute, "
    "Nineteen, Liquid, Friendli, Chutes, DeepSeek"
)
BILLS_IN_FULL = (
    "AWS Bedrock, Groq, Modal, Google, Google AI Studio, Minimax, "
    "HuggingFace, Replicate, Perplexity, Mistral, AI21, Featherless, Lynn, Lambda, Reflection, "
    "SambaNova, Inflection, ZeroOneAI, AionLabs, Alibaba, Nebius, Kluster, Targon, InferenceNet"
)


def _key(provider: str) -> str:
    """Compare without case and spaces: the documents write both `OpenAI` and `openai`."""
    return "".join(provider.casefold().split())


_STOPS = frozenset(_key(name) for name in STOPS_BILLING.split(","))
_IN_FULL = frozenset(_key(name) for name in BILLS_IN_FULL.split(","))


def stops_billing(provider: str | None) -> bool | None:
    """Return True or False as the service documents it, None for a provider in neither list."""
    key = _key(provider or "")
    return True if key in _STOPS else False if key in _IN_FULL else None


def billing_verdict(provider: str | None) -> str:
    """Return one sentence on what a cancelled answer costs."""
    verdict = stops_billing(provider)
    if verdict is None:
        name = provider or "this provider"
        return f"Unknown whether {name} stops billing on cancel"
    if verdict:
        return f"{provider} stops billing on cancel"
    return f"{provider} bills the full answer even though it was cancelled"
