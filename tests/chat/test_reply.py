"""The fold: what each delta does to an answer, and that the answer can travel."""

from __future__ import annotations

import copy
import pickle
import threading

import pytest

from or_notebook.chat.buffer import TextBuffer
from or_notebook.chat.reply import Reply
from or_notebook.wire import deltas as d
from or_notebook.wire.errors import ErrorDetail, ProviderFailed, TruncatedError, to_exception


def folded(*deltas) -> Reply:
    reply = Reply(requested_model="a/b")
    for second, delta in enumerate(deltas):
        reply.apply(delta, float(second))
    return reply


ERROR = ErrorDetail(kind="ProviderFailed", message="Died")


class TestStatus:
    def test_complete_with_a_finish_reason_and_no_done(self):
        assert folded(d.TextDelta("a"), d.Finish("stop"), d.Closed(1)).status == "complete"

    def test_truncated_without_either(self):
        reply = folded(d.TextDelta("a"), d.Closed(1))
        assert reply.status == "truncated"
        with pytest.raises(TruncatedError) as caught:
            reply.raise_for_status()
        assert caught.value.reply is reply

    def test_failed_keeps_text_usage_and_the_first_error(self):
        reply = folded(
            d.TextDelta("a"),
            d.Failure(ERROR),
            d.Failure(ErrorDetail(kind="ProviderFailed", message="Later")),
            d.Finish("stop"),
            d.UsageDelta({"prompt_tokens": 1}),
            d.Closed(4),
        )
        assert (reply.status, reply.text, reply.finish_reason) == ("failed", "a", "error")
        assert (reply.error.message, reply.usage.prompt_tokens) == ("Died", 1)
        with pytest.raises(ProviderFailed):
            reply.raise_for_status()

    def test_finish_reason_error_without_an_error_is_one(self):
        reply = folded(d.TextDelta("a"), d.Finish("error"), d.Closed(1))
        assert (reply.status, reply.error.kind) == ("failed", "ProviderFailed")

    def test_cancelled_takes_nothing_more(self):
        reply = folded(d.TextDelta("a"))
        reply.cancel(2.0)
        reply.apply(d.TextDelta("b"), 3.0)
        assert (reply.status, reply.text, reply.timing.duration) == ("cancelled", "a", 2.0)
        assert reply.raise_for_status() is reply

    def test_a_finished_answer_cannot_be_cancelled(self):
        reply = folded(d.Finish("stop"), d.Closed(1))
        reply.cancel(9.0)
        assert reply.status == "complete"

    def test_a_retry_clears_the_failure_before_it(self):
        reply = folded(d.Opened(200, "gen-1"), d.Retry(ERROR, 1, 2, 0.5), d.Opened(200, "gen-2"))
        assert (reply.error, reply.generation_id, len(reply.retries)) == (None, "gen-2", 1)


class TestDressedAsSuccess:
    @pytest.mark.parametrize(
        ("deltas", "word"),
        [
            ([d.Done(), d.Closed(0)], "empty"),
            ([d.TextDelta("a"), d.Done(), d.Closed(1)], "incomplete"),
            ([d.Finish("stop", "STOP"), d.Closed(1)], "without an answer (STOP)"),
            ([d.TextDelta("a"), d.Finish("stop", "MALFORMED_FUNCTION_CALL"), d.Closed(1)],
             "MALFORMED_FUNCTION_CALL"),
        ],
    )  # fmt: skip
    def test_the_suspicion_is_noted(self, deltas, word):
        reply = folded(*deltas)
        assert reply.status == "complete"
        assert word in reply.note

    @pytest.mark.parametrize("native", [None, "end_turn", "STOP", "completed", "eos"])
    def test_nothing_is_noted_where_all_is_well(self, native):
        assert folded(d.TextDelta("a"), d.Finish("stop", native), d.Closed(1)).note is None


class TestNames:
    def test_the_header_names_the_generation(self):
        reply = folded(d.Opened(200, "gen-header"), d.Origin("chunk", "m", "P"))
        assert (reply.generation_id, reply.model, reply.provider) == ("gen-header", "m", "P")

    def test_a_failure_learns_whose_it_is(self):
        reply = folded(d.Opened(200, "gen-1"), d.Origin(None, None, "P"), d.Failure(ERROR))
        assert (reply.error.provider, reply.error.request_id) == ("P", "gen-1")

    def test_choices_are_kept_apart(self):
        reply = folded(d.TextDelta("a"), d.TextDelta("b", choice=1), d.TextDelta("c"))
        assert (reply.text, str(reply.choices[1].text)) == ("ac", "b")


class TestToolCalls:
    def test_fragments_after_the_finish_are_ignored(self):
        call = d.ToolCallDelta(0, "c", "f", "{}")
        reply = folded(call, d.Finish("tool_calls"), call, d.Closed(2))
        assert [(one.id, one.arguments) for one in reply.tool_calls] == [("c", "{}")]

    def test_without_index_a_new_id_begins_a_new_call(self):
        reply = folded(
            d.ToolCallDelta(id="a", name="f", arguments="{"),
            d.ToolCallDelta(arguments="}"),
            d.ToolCallDelta(id="b", name="g", extra={"extra_content": {"x": 1}}),
        )
        assert [(call.name, call.arguments) for call in reply.tool_calls] == [
            ("f", "{}"),
            ("g", ""),
        ]
        assert reply.to_message()["tool_calls"][1]["extra_content"] == {"x": 1}
        assert reply.tool_calls[1].parsed_arguments() == {}

    def test_a_missing_id_is_invented(self):
        reply = folded(d.ToolCallDelta(0, None, "f"), d.Finish("tool_calls"), d.Closed(1))
        assert reply.tool_calls[0].id


class TestTravel:
    def test_a_reply_can_be_pickled_and_copied(self):
        reply = folded(d.Opened(200, "gen-1"), d.TextDelta("héllo"), d.Finish("stop"), d.Closed(1))
        for twin in (pickle.loads(pickle.dumps(reply)), copy.deepcopy(reply)):
            assert (twin.text, twin.status, twin.metadata()) == (
                "héllo", "complete", reply.metadata(),
            )  # fmt: skip

    def test_an_error_travels_with_its_reply(self):
        error = to_exception(ERROR, folded(d.TextDelta("partial")))
        twin = pickle.loads(pickle.dumps(error))
        assert (type(twin), str(twin), twin.reply.text) == (ProviderFailed, str(error), "partial")


def test_a_buffer_loses_nothing_while_others_read():
    buffer = TextBuffer()
    stop = threading.Event()
    seen = []

    def read():
        while not stop.is_set():
            seen.append(len(str(buffer)))

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for _ in range(20_000):
        buffer.append("ab")
    stop.set()
    for reader in readers:
        reader.join()
    assert str(buffer) == "ab" * 20_000
