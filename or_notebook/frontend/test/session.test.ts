import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Frame } from "../src/protocol.ts";
import { DONE, EMPTY, open } from "./page.ts";

const frame = (seq: number, parts: Partial<Frame> = {}): Frame => ({ kind: "frame", seq, ...parts });

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("folding messages", () => {
  it("says that it is ready, and starts with the snapshot", () => {
    const { model, session } = open({ seq: 4, text: "so far" });
    expect(model.kinds()).toEqual(["ready"]);
    session.receive(frame(5, { text: [6, " and on"] }));
    expect(session.text).toBe("so far and on");
    expect(model.kinds()).toEqual(["ready"]);
  });

  it("takes a doubled or overlapping piece once", () => {
    const { session } = open();
    session.receive(frame(1, { text: [0, "abc"] }));
    session.receive(frame(1, { text: [0, "abc"] }));
    session.receive(frame(2, { text: [1, "bcd"] }));
    expect(session.text).toBe("abcd");
  });

  it("asks again when a message is missing, and continues with the snapshot", () => {
    const { model, session } = open();
    session.receive(frame(1, { text: [0, "one "] }));
    session.receive(frame(3, { text: [8, "three "] }));
    expect(session.text).toBe("one ");
    expect(model.sent.at(-1)).toEqual({ kind: "resync", seq: 1 });
    session.receive({ ...EMPTY, seq: 3, text: "one two three " });
    session.receive(frame(4, { text: [14, "four"] }));
    expect(session.text).toBe("one two three four");
    expect(model.kinds()).toEqual(["ready", "resync"]);
  });

  it("asks again only after a pause while the answer is on its way", () => {
    const { model, session } = open();
    for (let seq = 2; seq < 20; seq += 1) session.receive(frame(seq, { text: [seq * 10, "x"] }));
    expect(model.kinds()).toEqual(["ready", "resync"]);
    vi.advanceTimersByTime(1_100);
    session.receive(frame(20, { text: [200, "x"] }));
    expect(model.kinds()).toEqual(["ready", "resync", "resync"]);
  });

  it("asks after a silence, less and less often, and never after the end", () => {
    const { model, session } = open();
    vi.advanceTimersByTime(5_100);
    expect(model.kinds()).toEqual(["ready", "resync"]);
    vi.advanceTimersByTime(10_100);
    expect(model.kinds()).toEqual(["ready", "resync", "resync"]);
    session.receive({ kind: "final", seq: 1, state: DONE, summary: "", errors: [], note: null });
    vi.advanceTimersByTime(600_000);
    expect(model.kinds()).toEqual(["ready", "resync", "resync"]);
  });

  it("takes the snapshot of a trait that changed", () => {
    const { model, session } = open();
    model.snapshot = { ...EMPTY, seq: 7, text: "whole" };
    model.trigger("change:snapshot");
    expect(session.text).toBe("whole");
  });

  it("puts tool calls together", () => {
    const { session } = open();
    session.receive(frame(1, { tools: [[0, "a", 0, "{"]] }));
    session.receive(frame(2, { tools: [[0, "a", 1, "}"], [1, "b", 0, "1"]] }));
    expect(session.tools).toEqual([{ name: "a", args: "{}" }, { name: "b", args: "1" }]);
  });
});

describe("cancelling", () => {
  it("sends the click at once and waits for the acknowledgement", () => {
    const { model, session } = open();
    session.cancel();
    expect(session.cancelling).toBe(true);
    expect(model.kinds()).toEqual(["ready", "cancel"]);
    vi.advanceTimersByTime(100);
    session.receive({ kind: "ack" });
    vi.advanceTimersByTime(4_000);
    expect(model.interrupt).not.toHaveBeenCalled();
  });

  it("interrupts the kernel when no acknowledgement comes within 0.8 s", () => {
    const { model, session } = open();
    session.cancel();
    vi.advanceTimersByTime(790);
    expect(model.interrupt).not.toHaveBeenCalled();
    vi.advanceTimersByTime(20);
    expect(model.interrupt).toHaveBeenCalledTimes(1);
  });

  it("does nothing once the answer is over", () => {
    const { model, session } = open({ ending: { summary: "", errors: [], note: null } });
    session.cancel();
    expect(model.kinds()).toEqual(["ready"]);
  });
});
