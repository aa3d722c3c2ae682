import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DONE, show, STATE } from "./page.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  document.body.replaceChildren();
});

describe("the state line", () => {
  it("counts the seconds by itself, hidden from screen readers", () => {
    const { find } = show();
    const status = find("[role=status]");
    vi.advanceTimersByTime(3_100);
    expect(status.textContent).toBe("Waiting for the provider…3 s");
    expect(find(".ornb-detail").getAttribute("aria-hidden")).toBe("true");
  });

  it("leaves the spoken words alone while only the seconds change", () => {
    const { find } = show();
    const changes = vi.fn();
    new MutationObserver(changes).observe(find(".ornb-label"), { childList: true, subtree: true });
    vi.advanceTimersByTime(5_000);
    expect(changes).not.toHaveBeenCalled();
  });

  it("moves a dot with each keepalive, and only then", () => {
    const { find, session, draw } = show();
    const lit = (): number => [...find(".ornb-dots").children].findIndex((dot) => dot.className === "ornb-on");
    expect(lit()).toBe(0);
    draw();
    expect(lit()).toBe(0);
    for (let count = 1; count <= 6; count += 1) {
      const state = { ...STATE, keepalives: count, detail: `${count} keepalives` };
      session.receive({ kind: "frame", seq: count, state });
      expect(lit()).toBe(count % 5);
    }
    expect(find("[role=status]").textContent).toContain("6 keepalives");
  });

  it("adds no seconds to a retry, whose words count down by themselves", () => {
    const { find, session } = show();
    const label = "Retry 1 of 2 in 4 s: Too many requests";
    const state = { ...STATE, phase: "retrying" as const, label, now: 1, since: null };
    session.receive({ kind: "frame", seq: 1, state });
    vi.advanceTimersByTime(1_100);
    expect(find("[role=status]").textContent).toBe(label);
  });
});

describe("Cancel", () => {
  it("is a button with that name that answers by itself", () => {
    const { find, model } = show();
    const button = find("button.ornb-cancel");
    expect(button.textContent).toBe("Cancel");
    button.click();
    expect(button.textContent).toBe("cancelling…");
    expect(model.kinds()).toContain("cancel");
  });

  it("is gone at the end", () => {
    const { find, session, draw } = show();
    session.receive({ kind: "final", seq: 1, state: DONE, summary: "", errors: [], note: null });
    draw();
    expect(find("button.ornb-cancel").hidden).toBe(true);
  });
});

describe("the parts of an answer", () => {
  it("is a busy region until it is complete, and no live region", () => {
    const { find, session, draw } = show();
    const answer = find("[role=region][aria-label=Answer]");
    session.receive({ kind: "frame", seq: 1, text: [0, "Hello **you"] });
    draw();
    expect(answer.getAttribute("aria-busy")).toBe("true");
    expect(answer.querySelector("strong")?.textContent).toBe("you");
    expect(answer.closest("[aria-live]")).toBeNull();
    const summary = "test/model · $0.01";
    session.receive({ kind: "final", seq: 2, text: [11, "**"], state: DONE, summary, errors: [], note: null });
    draw();
    expect(answer.getAttribute("aria-busy")).toBe("false");
    expect(find("[aria-label='Usage summary']").textContent).toBe(summary);
  });

  it("keeps the reasoning closed but openable", () => {
    const { find, session, draw } = show();
    const details = find("details") as HTMLDetailsElement;
    expect(details.hidden).toBe(true);
    session.receive({ kind: "frame", seq: 1, reasoning: [0, "because"] });
    draw();
    expect(details.hidden).toBe(false);
    expect(details.open).toBe(false);
    details.open = true;
    details.dispatchEvent(new Event("toggle"));
    draw();
    expect(details.textContent).toBe("Reasoningbecause");
  });

  it("tells the kernel whether the reasoning is open", () => {
    const { find, model, session } = show();
    session.receive({ kind: "frame", seq: 1, reasoning: [0, "because"] });
    const details = find("details") as HTMLDetailsElement;
    for (const open of [true, false]) {
      details.open = open;
      details.dispatchEvent(new Event("toggle"));
      expect(model.sent.at(-1)).toEqual({ kind: "reasoning", open });
    }
  });

  it("shows what failed as an alert", () => {
    const { find, session, draw } = show();
    const state = { ...DONE, status: "failed" as const, label: "Failed" };
    const errors = ["No credit (HTTP 402)", "Add credits."];
    session.receive({ kind: "final", seq: 1, state, summary: "", errors, note: null });
    draw();
    expect([...find("[role=alert]").children].map((line) => line.textContent)).toEqual(errors);
  });

  it("shows tool calls with their arguments", () => {
    const { find, session, draw } = show();
    session.receive({ kind: "frame", seq: 1, tools: [[0, "weather", 0, '{"city": "Oslo"}']] });
    draw();
    expect(find(".ornb-tools").textContent).toContain("weather");
    expect(find(".ornb-tools pre").textContent).toBe('{"city": "Oslo"}');
  });

  it("marks a refusal", () => {
    const { find, session, draw } = show();
    session.receive({ kind: "frame", seq: 1, refusal: [0, "I cannot help."] });
    draw();
    expect(find(".ornb-refusal").textContent).toBe("Refused: I cannot help.");
  });

  it("loads no image from elsewhere, and shows one that came along", () => {
    const { find, session, draw } = show();
    const urls = ["https://e.org/a.png", "data:image/png;base64,AAAA", "data:image/svg+xml,<svg>"];
    session.receive({ kind: "frame", seq: 1, images: [0, urls] });
    draw();
    expect([...find(".ornb-images").children].map((node) => node.localName)).toEqual(["a", "img", "span"]);
  });

  it("shows the whole answer to a page that comes late", () => {
    const text = "# Long\n\n" + "word ".repeat(9_000);
    const { find, draw } = show({ text, state: DONE, ending: { summary: "m", errors: [], note: "n" } });
    draw();
    expect(find("[role=region]").textContent?.length).toBeGreaterThan(40_000);
    expect(find(".ornb-note").textContent).toBe("n");
  });

  it("spells out the characters that turn text around", () => {
    const { find, session, draw } = show();
    session.receive({ kind: "frame", seq: 1, text: [0, "a\u202eb\u0007"] });
    draw();
    expect(find("[role=region]").textContent).toBe("a⟨U+202E⟩b");
  });

  for (const format of ["json", "code", "text"] as const) {
    it(`grows as ${format}`, () => {
      const { find, session, draw } = show({ format });
      session.receive({ kind: "frame", seq: 1, text: [0, '{"a": 1,\n'] });
      session.receive({ kind: "frame", seq: 2, text: [9, '"b": 2}'] });
      draw();
      expect(find("[role=region]").textContent).toContain('{"a": 1,\n"b": 2}');
    });
  }

  it("takes the fence off code that was asked for as code", () => {
    const { find, session, draw } = show({ format: "code" });
    session.receive({ kind: "frame", seq: 1, text: [0, "```rust\nfn main() {}\n```\n"] });
    draw();
    expect(find("pre").textContent).toBe("fn main() {}");
    expect(find(".ornb-language").textContent).toBe("rust");
  });
});
