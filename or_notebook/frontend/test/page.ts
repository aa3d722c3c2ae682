import { vi } from "vitest";
import type { Model } from "../src/model.ts";
import type { FromKernel, Snapshot, State, ToKernel } from "../src/protocol.ts";
import { Session } from "../src/session.ts";
import { View } from "../src/view.ts";

export const STATE: State = {
  phase: "waiting",
  status: "streaming",
  label: "Waiting for the provider…",
  detail: "",
  since: 0,
  now: 0,
  keepalives: 0,
  notices: [],
};

export const DONE: State = { ...STATE, phase: "done", status: "complete", label: "Done", since: null };

export const EMPTY: Snapshot = {
  kind: "snapshot",
  seq: 0,
  format: "markdown",
  text: "",
  reasoning: "",
  refusal: "",
  tools: [],
  images: [],
  state: STATE,
  ending: null,
};

/** A model as anywidget gives it, without a kernel. */
export class FakeModel implements Model {
  readonly sent: ToKernel[] = [];
  readonly interrupt = vi.fn(async () => undefined);
  readonly widget_manager = { kernel: { interrupt: this.interrupt } };
  readonly #listeners = new Map<string, (message: FromKernel) => void>();

  constructor(public snapshot: Snapshot = EMPTY) {}

  get(name: string): unknown {
    return name === "snapshot" ? this.snapshot : name;
  }

  on(event: string, callback: (message: FromKernel) => void): void {
    this.#listeners.set(event, callback);
  }

  off(event: string): void {
    this.#listeners.delete(event);
  }

  trigger(event: string): void {
    this.#listeners.get(event)?.(this.snapshot);
  }

  send(message: ToKernel): void {
    this.sent.push(message);
  }

  kinds(): string[] {
    return this.sent.map(({ kind }) => kind);
  }
}

export function open(snapshot: Partial<Snapshot> = {}): { model: FakeModel; session: Session } {
  const model = new FakeModel({ ...EMPTY, ...snapshot });
  return { model, session: new Session(model) };
}

/** Open a view, with a function that lets the next frames be drawn. */
export function show(snapshot: Partial<Snapshot> = {}) {
  const { model, session } = open(snapshot);
  const el = document.body.appendChild(document.createElement("div"));
  const view = new View(session, el);
  const find = (selector: string): HTMLElement => {
    const node = el.querySelector<HTMLElement>(selector);
    if (!node) throw new Error(`no ${selector}`);
    return node;
  };
  const draw = (): void => void vi.advanceTimersByTime(500);
  return { model, session, el, view, find, draw };
}
