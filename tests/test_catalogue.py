"""The catalogue: what `GET /models` says, kept for a day, priced exactly."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from or_notebook.chat.usage import Usage
from or_notebook.client import catalogue_cache
from or_notebook.client.catalogue import fetch, listing, model_ids, near_spellings
from or_notebook.client.catalogue_cache import DAY, Catalogue, cache_file, remember, remembered
from or_notebook.client.endpoints import Endpoint
from or_notebook.client.http import new_client
from or_notebook.client.models import Model, cost_of
from or_notebook.wire.errors import AuthenticationFailed, ConnectionFailed, NotFound, ProtocolError
from tests.support.metadata import answering_server

KEY = "sk-or-v1-0123456789abcdef0123456789abcdef"
REMOTE = "https://models.example/v1"
FULL = {
    "id": "author/model",
    "name": "Author: Model",
    "context_length": 131072,
    "architecture": {"input_modalities": ["text", "image"], "output_modalities": ["text"]},
    "pricing": {"prompt": "0.000000123456789", "completion": "0.0000016", "discount": 0},
    "supported_parameters": ["tools", "reasoning"],
    "reasoning": {"supported_efforts": ["high", "low"]},
}


@pytest.fixture
def server():
    with answering_server(KEY) as server:
        yield server


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache folder of the test's own, and an empty memory."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(catalogue_cache, "_in_memory", {})
    return tmp_path


def ask(work, *arguments, **options):
    """Run one of the catalogue's functions with a client of its own."""

    async def main():
        async with new_client() as client:
            return await work(client, *arguments, **options)

    return asyncio.run(main())


def new_kernel(monkeypatch) -> None:
    """Forget what only this kernel's memory holds."""
    monkeypatch.setattr(catalogue_cache, "_in_memory", {})


def later(monkeypatch, seconds: float) -> None:
    now = time.time()
    monkeypatch.setattr(catalogue_cache.time, "time", lambda: now + seconds)


class TestFetch:
    """Every server's list is understood (PROTOCOL.md, sections 5 and 7)."""

    def test_all_that_openrouter_tells(self, server):
        server.answer("/models", {"data": [FULL]})
        (model,) = ask(fetch, server.endpoint)
        assert model.prompt_price == Decimal("0.000000123456789")
        assert (model.context_length, model.name) == (131072, "Author: Model")
        assert (model.takes_images, model.calls_tools, model.reasons) == (True, True, True)
        assert model.input_modalities == ("text", "image")

    def test_bare_ids_are_enough(self, server):
        server.answer("/models", {"object": "list", "data": [{"id": "llama3", "object": "model"}]})
        (model,) = ask(fetch, server.endpoint)
        assert model == Model(id="llama3")
        assert (model.prompt_price, model.is_free, model.reasons) == (None, False, False)

    def test_list_without_an_object_around_it(self, server):
        server.answer("/models", [{"id": "a"}, {"id": "b", "context_window": 8192}, {"no": "id"}])
        assert [(m.id, m.context_length) for m in ask(fetch, server.endpoint)] == [
            ("a", None),
            ("b", 8192),
        ]

    @pytest.mark.parametrize(
        "fields",
        [
            {"pricing": None, "architecture": 3, "context_length": "many"},
            {"pricing": {"prompt": "free!", "completion": {}, "image": True}},
            {"pricing": {"hourly": 0, "input": 0.9}, "supported_parameters": "all"},
            {"pricing": {"overrides": ["x", {"min_prompt_tokens": "y"}]}, "name": 5},
        ],
    )
    def test_fields_of_a_wrong_type_are_left_out(self, server, fields):
        server.answer("/models", {"data": [{"id": "odd", **fields}]})
        (model,) = ask(fetch, server.endpoint)
        assert (model.id, model.prompt_price, model.completion_price) == ("odd", None, None)

    def test_price_minus_one_means_that_it_varies(self, server):
        pricing = {"prompt": "-1", "completion": "-1"}
        server.answer("/models", {"data": [{"id": "openrouter/auto", "pricing": pricing}]})
        (model,) = ask(fetch, server.endpoint)
        assert (model.varies, model.is_free, model.prompt_price) == (True, False, None)

    def test_next_links_are_followed_but_not_to_another_host(self, server):
        link = "https://elsewhere.example/other/models?offset=1&limit=1"
        server.answer("/models", {"data": [{"id": "a"}], "links": {"next": link}})
        server.answer("/models?offset=1&limit=1", {"data": [{"id": "b"}], "links": {"next": None}})
        assert [model.id for model in ask(fetch, server.endpoint)] == ["a", "b"]
        assert server.seen == [
            ("/v1/models", f"Bearer {KEY}"),
            ("/v1/models?offset=1&limit=1", f"Bearer {KEY}"),
        ]

    def test_links_in_a_circle_end(self, server):
        server.answer("/models", {"data": [{"id": "a"}], "links": {"next": "/models?page=2"}})
        server.answer("/models?page=2", {"data": [{"id": "b"}], "links": {"next": "?page=2"}})
        assert len(ask(fetch, server.endpoint)) == 2

    def test_the_sandbox_in_small_pages(self, sandbox):
        endpoint = Endpoint(base_url=sandbox.base_url, api_key="sandbox-key")
        whole = ask(fetch, endpoint)
        assert "sandbox/hello" in [model.id for model in whole]
        assert all(model.prompt_price for model in whole)


class TestFailures:
    """Failures are members of the error tree, three lines at most, without the key."""

    @pytest.mark.parametrize(
        ("status", "body", "kind"),
        [
            (401, {"error": {"code": 401, "message": f"Bad key {KEY} or {KEY[:20]}"}},
             AuthenticationFailed),
            (404, b"<html><title>Not here</title></html>", NotFound),
            (200, b"<html><title>A portal</title></html>", ProtocolError),
            (200, b"", ProtocolError),
            (200, {"models": "none"}, ProtocolError),
            (302, b"", ProtocolError),
            (200, {"error": {"code": 401, "message": "in disguise"}}, AuthenticationFailed),
        ],
    )  # fmt: skip
    def test_answers_that_are_no_list(self, server, status, body, kind):
        server.answer("/models", body, status)
        with pytest.raises(kind) as caught:
            ask(fetch, server.endpoint)
        assert len(str(caught.value).splitlines()) <= 3
        assert KEY[9:17] not in str(caught.value)

    def test_nobody_listens(self):
        with pytest.raises(ConnectionFailed):
            ask(listing, Endpoint(base_url="http://127.0.0.1:9/v1", api_key=KEY))

    def test_advice_gets_no_names_from_a_broken_endpoint(self, server):
        server.answer("/models", b"", 500)
        assert ask(model_ids, server.endpoint) == []


class TestCache:
    """One file per endpoint, good for a day, shared between kernels."""

    def test_second_kernel_asks_nobody(self, server, monkeypatch):
        server.answer("/models", {"data": [FULL]})
        first = ask(listing, server.endpoint)
        new_kernel(monkeypatch)
        second = ask(listing, server.endpoint)
        assert second.catalogue == first.catalogue
        assert len(server.seen) == 1

    def test_refresh_asks_again(self, server):
        server.answer("/models", {"data": [FULL]})
        ask(listing, server.endpoint)
        server.answer("/models", {"data": [FULL, {"id": "new"}]})
        assert ask(listing, server.endpoint, refresh=True).catalogue.ids == ["author/model", "new"]

    def test_file_name_and_content_tell_nothing_of_the_key(self, server, cache):
        server.answer("/models", {"data": [FULL]})
        ask(listing, server.endpoint)
        files = [path for path in cache.rglob("*") if path.is_file()]
        assert files == [cache_file(server.base_url)]
        assert KEY not in files[0].read_text("utf-8")
        assert cache_file(server.base_url) != cache_file(REMOTE)

    def test_remote_catalogue_is_fresh_for_a_day(self, monkeypatch):
        remember(REMOTE, Catalogue([Model(id="a")], time.time()))
        later(monkeypatch, DAY - 60)
        assert catalogue_cache.fresh(REMOTE) is not None
        later(monkeypatch, DAY + 60)
        assert catalogue_cache.fresh(REMOTE) is None
        assert remembered(REMOTE) is not None

    def test_server_on_this_machine_is_asked_again_after_a_minute(self, server, monkeypatch):
        server.answer("/models", {"data": [{"id": "a"}]})
        ask(listing, server.endpoint)
        server.answer("/models", {"data": [{"id": "a"}, {"id": "pulled"}]})
        later(monkeypatch, 61)
        assert ask(listing, server.endpoint).catalogue.ids == ["a", "pulled"]

    def test_offline_the_stale_catalogue_is_used_and_says_so(self, monkeypatch):
        endpoint = Endpoint(base_url="http://127.0.0.1:9/v1", api_key=KEY)
        remember(endpoint.base_url, Catalogue([Model(id="a")], time.time() - 3 * DAY))
        new_kernel(monkeypatch)
        found = ask(listing, endpoint)
        assert found.catalogue.ids == ["a"]
        assert found.catalogue.age > 2 * DAY
        assert found.problem is not None
        assert "refused" in found.problem.lines()[0]
        assert ask(model_ids, endpoint) == ["a"]

    @pytest.mark.parametrize("damage", [b"", b"{", b"[1]", b'{"models": 3, "fetched_at": 1}'])
    def test_corrupt_file_is_ignored_and_replaced(self, server, monkeypatch, damage):
        path = cache_file(server.base_url)
        path.parent.mkdir(parents=True)
        path.write_bytes(damage)
        server.answer("/models", {"data": [FULL]})
        assert ask(listing, server.endpoint).catalogue.ids == ["author/model"]
        new_kernel(monkeypatch)
        assert remembered(server.base_url).ids == ["author/model"]

    def test_folder_that_cannot_be_written_changes_nothing_else(self, server, cache):
        (cache / "or_notebook").write_text("in the way")
        server.answer("/models", {"data": [FULL]})
        assert ask(listing, server.endpoint).catalogue.ids == ["author/model"]
        assert remembered(server.base_url).ids == ["author/model"]

    def test_newer_catalogue_of_another_kernel_is_seen(self, monkeypatch):
        remember(REMOTE, Catalogue([Model(id="new")], time.time()))
        old = Catalogue([Model(id="old")], time.time() - 2 * DAY)
        monkeypatch.setattr(catalogue_cache, "_in_memory", {REMOTE: old})
        assert remembered(REMOTE).ids == ["new"]

    def test_kernels_that_write_at_once_leave_one_whole_file(self, cache, monkeypatch):
        def write(number: int) -> None:
            models = [Model(id=f"kernel-{number}/{entry}") for entry in range(200)]
            remember(REMOTE, Catalogue(models, time.time()))

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(write, range(40)))
        new_kernel(monkeypatch)
        assert len({name.partition("/")[0] for name in remembered(REMOTE).ids}) == 1
        assert [path for path in cache.rglob("*") if path.is_file()] == [cache_file(REMOTE)]

    def test_four_hundred_models_are_read_at_once(self, monkeypatch):
        models = [Model.from_wire({**FULL, "id": f"author/{n}"}) for n in range(400)]
        remember(REMOTE, Catalogue(models, time.time()))
        new_kernel(monkeypatch)
        remembered(REMOTE)
        new_kernel(monkeypatch)
        began = time.perf_counter()
        assert len(remembered(REMOTE).ids) == 400
        assert time.perf_counter() - began < 0.1


PRICES = {
    "prompt": "0.000003",
    "completion": "0.000015",
    "input_cache_read": "0.0000003",
    "input_cache_write": "0.00000375",
}


def cost(pricing: dict, **usage) -> Decimal | None:
    model = Model.from_wire({"id": "m", "pricing": pricing})
    counts = {"prompt_tokens": 1000, "completion_tokens": 100, **usage}
    return cost_of(model, Usage.from_wire(counts))


class TestCost:
    """Costs are exact decimals, and unknown as soon as one price is."""

    def test_prompt_and_answer(self):
        assert cost(PRICES) == Decimal("0.0045")

    def test_cached_tokens_have_their_own_price(self):
        assert cost(PRICES, prompt_tokens_details={"cached_tokens": 800}) == Decimal("0.00234")

    def test_tokens_written_to_the_cache_have_their_own_price(self):
        details = {"cached_tokens": 0, "cache_write_tokens": 400}
        assert cost(PRICES, prompt_tokens_details=details) == Decimal("0.0048")

    def test_price_of_the_request_is_added(self):
        assert cost({**PRICES, "request": "0.005"}) == Decimal("0.0095")

    def test_free_is_zero(self):
        assert cost({"prompt": "0", "completion": "0"}) == 0

    def test_long_prompts_cost_what_the_last_fitting_override_says(self):
        overrides = [
            {"min_prompt_tokens": 500, "prompt": "0.000006"},
            {"min_prompt_tokens": 900, "prompt": "0.000009", "completion": "0.00002"},
            {"min_prompt_tokens": 200_000, "prompt": "1"},
        ]
        assert cost({**PRICES, "overrides": overrides}) == Decimal("0.011")

    @pytest.mark.parametrize(
        ("pricing", "usage"),
        [
            ({}, {}),
            ({"prompt": "0.1"}, {}),
            ({"prompt": "-1", "completion": "-1"}, {}),
            ({**PRICES, "request": "-1"}, {}),
            (PRICES, {"completion_tokens": None}),
            ({"prompt": "1", "completion": "1"}, {"prompt_tokens_details": {"cached_tokens": 1}}),
            (PRICES, {"completion_tokens_details": {"audio_tokens": 5}}),
            (PRICES, {"completion_tokens_details": {"image_tokens": 5}}),
            (PRICES, {"server_tool_use": {"web_search_requests": 1}}),
            (PRICES, {"server_tool_use_details": {"web_search_requests": 1}}),
            ({**PRICES, "overrides": [{"utc_start": "16:30", "prompt": "0"}]}, {}),
            (
                {**PRICES, "internal_reasoning": "0.00001"},
                {"completion_tokens_details": {"reasoning_tokens": 5}},
            ),
        ],
    )
    def test_unknown_is_none_never_zero(self, pricing, usage):
        assert cost(pricing, **usage) is None

    def test_the_sandbox_bills_what_its_catalogue_says(self, sandbox):
        import or_notebook

        reply = or_notebook.ask(
            "Hi", model="sandbox/hello@5000", base_url=sandbox.base_url, api_key="sandbox-key"
        )
        models = ask(fetch, Endpoint(base_url=sandbox.base_url, api_key="sandbox-key"))
        (model,) = [model for model in models if model.id == "sandbox/hello"]
        assert cost_of(model, reply.usage) == reply.usage.cost


def test_near_spellings_come_best_first():
    known = ["openai/gpt-5.4-mini", "anthropic/claude-sonnet-5", "Qwen/Qwen3"]
    assert near_spellings("openai/gpt-5.4-mni", known)[0] == "openai/gpt-5.4-mini"
    assert near_spellings("claude-sonnet-5", known)[0] == "anthropic/claude-sonnet-5"
    assert near_spellings("qwen/qwen3", known) == ["Qwen/Qwen3"]
    assert near_spellings("zzz", known) == []
