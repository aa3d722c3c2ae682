"""The decoder against the framing vectors and the rules of PROTOCOL.md, section 1."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from or_notebook.wire import sse
from or_notebook.wire.sse import Comment, Decoder, ErrorField, Event, EventTooLargeError
from tests.support.protocol import cut, vector_chunks, vectors

VECTORS = vectors()


def decode(chunks, **options):
    decoder = Decoder(**options)
    return [item for chunk in chunks for item in decoder.feed(chunk)], decoder


def as_given(chunks):
    return chunks


def whole(chunks):
    return [b"".join(chunks)]


def byte_by_byte(chunks):
    return cut(b"".join(chunks), 1)


def test_all_67_vectors_are_here():
    assert len(VECTORS) == 67


@pytest.mark.parametrize("chunking", [as_given, whole, byte_by_byte])
@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_vector(vector, chunking):
    items, decoder = decode(chunking(vector_chunks(vector)))
    events = [item for item in items if isinstance(item, Event)]
    if "expect_len" in vector:
        assert [len(event.data) for event in events] == [vector["expect_len"]]
        return
    assert [[event.type, event.data, event.last_event_id] for event in events] == vector["events"]
    assert [item.text for item in items if isinstance(item, Comment)] == vector["comments"]
    assert decoder.retry == vector["retry"]


STREAMS = st.lists(
    st.sampled_from(
        [
            b"data", b"data:", b"data: ", b"event:", b"id:", b"retry:", b"error: {}", b":", b" ",
            b"\r", b"\n", b"\r\n", b"\n\n", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\xff", b"\xf0\x9f",
            b"\x00", b"x", b"7", b"{}", b"[DONE]",
        ]
    )
).map(b"".join)  # fmt: skip


@given(STREAMS, st.lists(st.integers(0, 60)))
def test_result_does_not_depend_on_the_chunking(body, borders):
    edges = sorted({0, len(body), *(border for border in borders if border < len(body))})
    pieces = [body[start:end] for start, end in zip(edges, edges[1:], strict=False)]
    expected, _ = decode([body])
    assert decode(pieces)[0] == expected
    assert decode(cut(body, 1))[0] == expected


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_no_bytes_raise(chunks):
    decode(chunks)


def test_cr_dispatches_without_waiting_for_the_next_byte():
    assert decode([b"data: now\r\r"])[0] == [Event(b"now")]


def test_field_named_error_is_reported_when_it_holds_json():
    items, _ = decode([b'error: {"code":500}\n\nerror: plain\n\ndata: a\n\n'])
    assert items == [ErrorField(b'{"code":500}'), Event(b"a")]


OVERSIZED = [
    pytest.param(b"data: ok\n\ndata: " + b"x" * 2000, id="one line without an end"),
    pytest.param(b"data: ok\n\n" + b"data: xxxx\n" * 400, id="many short lines"),
    pytest.param(b"data: ok\n\n" + b"data\n" * 2000, id="many empty lines"),
    pytest.param(b"data: ok\n\n:" + b"x" * 2000, id="a comment without an end"),
]


@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize("body", OVERSIZED)
def test_event_beyond_the_cap_is_an_error_and_what_came_before_is_kept(body, size):
    decoder = Decoder(max_event_bytes=1000)
    items = []
    with pytest.raises(EventTooLargeError, match="exceeds 1,000 bytes") as caught:
        for chunk in cut(body, size):
            items += decoder.feed(chunk)
    assert [*items, *caught.value.items] == [Event(b"ok")]


def test_memory_is_bounded_by_one_event():
    decoder = Decoder(max_event_bytes=100_000)
    chunk = b": keep-alive\n\ndata: " + b"x" * 900 + b"\n\n"
    decoder.feed(chunk)
    tracemalloc.start()
    for _ in range(5_000):
        decoder.feed(chunk)
    # Of the decoder alone: other threads of the test process allocate too.
    ours = tracemalloc.Filter(True, sse.__file__)
    kept = tracemalloc.take_snapshot().filter_traces([ours])
    tracemalloc.stop()
    assert sum(trace.size for trace in kept.traces) < 100_000
