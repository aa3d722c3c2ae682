/** The state of one answer in the page, folded from the kernel's messages. */
import type { Model } from "./model.ts";
import type { Ending, Final, Format, Frame, FromKernel, Piece, Snapshot, State } from "./protocol.ts";

/** Milliseconds of silence after which the page asks whether it missed something. */
const SILENCE = 5_000;
const LONGEST_SILENCE = 60_000;

/** Milliseconds before the page asks again for what it missed. */
const RESYNC_PAUSE = 1_000;

/** Milliseconds that the kernel has to acknowledge a click before the page interrupts it. */
const PATIENCE = 800;

export interface Tool {
  name: string;
  args: string;
}

const NOTHING_YET: State = {
  phase: "connecting",
  status: "streaming",
  label: "Connecting…",
  detail: "",
  since: 0,
  now: 0,
  keepalives: 0,
  notices: [],
};

export class Session {
  text = "";
  reasoning = "";
  refusal = "";
  tools: Tool[] = [];
  images: string[] = [];
  format: Format = "markdown";
  state: State = NOTHING_YET;
  ending: Ending | null = null;
  cancelling = false;
  /** The time of this page at which the call began, in milliseconds of `performance.now()`. */
  began = performance.now();

  /** Everything up to this message has arrived. */
  #seq = 0;
  #asked = -Infinity;
  #silence = SILENCE;
  #silenceTimer: ReturnType<typeof setTimeout> | undefined;
  #cancelTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #listeners = new Set<() => void>();

  constructor(private readonly model: Model) {
    const snapshot = model.get("snapshot") as Snapshot | undefined;
    if (snapshot?.kind === "snapshot") this.#adopt(snapshot);
    model.on("change:snapshot", this.#changed);
    model.send({ kind: "ready" });
    this.#listenForSilence();
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  receive(message: FromKernel): void {
    this.#silence = SILENCE;
    if (message.kind === "ack") clearTimeout(this.#cancelTimer);
    else if (message.kind === "snapshot") this.#adopt(message);
    else if (message.kind === "frame" || message.kind === "final") this.#fold(message);
    this.#listenForSilence();
    this.#notify();
  }

  /** Seconds since the call began. */
  elapsed(): number {
    return (performance.now() - this.began) / 1000;
  }

  cancel(): void {
    if (this.ending) return;
    this.cancelling = true;
    this.model.send({ kind: "cancel" });
    clearTimeout(this.#cancelTimer);
    this.#cancelTimer = setTimeout(() => this.#interrupt(), PATIENCE);
    this.#notify();
  }

  /** Tell the kernel, so that the static answer keeps it open or closed. */
  showReasoning(open: boolean): void {
    this.model.send({ kind: "reasoning", open });
  }

  close(): void {
    clearTimeout(this.#cancelTimer);
    clearTimeout(this.#silenceTimer);
    this.model.off("change:snapshot", this.#changed);
    this.#listeners.clear();
  }

  readonly #changed = (): void => {
    const snapshot = this.model.get("snapshot") as Snapshot | undefined;
    if (snapshot?.kind !== "snapshot") return;
    this.#adopt(snapshot);
    this.#notify();
  };

  #fold(message: Frame | Final): void {
    if (message.seq <= this.#seq) return;
    let whole = message.seq === this.#seq + 1;
    const put = (have: string, piece: Piece | undefined): string => {
      const grown = piece ? splice(have, piece) : have;
      whole &&= grown !== null;
      return grown ?? have;
    };
    this.text = put(this.text, message.text);
    this.reasoning = put(this.reasoning, message.reasoning);
    this.refusal = put(this.refusal, message.refusal);
    for (const [index, name, offset, args] of message.tools ?? []) {
      const tool = (this.tools[index] ??= { name, args: "" });
      tool.name = name;
      tool.args = put(tool.args, [offset, args]);
    }
    if (message.images) {
      const [index, urls] = message.images;
      if (index > this.images.length) whole = false;
      else this.images = [...this.images.slice(0, index), ...urls];
    }
    if (message.state) this.#setState(message.state);
    if (message.kind === "final") this.#end(message);
    if (whole) this.#seq = message.seq;
    else if (performance.now() - this.#asked > RESYNC_PAUSE) this.#resync();
  }

  #adopt(snapshot: Snapshot): void {
    if (snapshot.seq < this.#seq) return;
    this.#seq = snapshot.seq;
    this.format = snapshot.format;
    this.text = longer(this.text, snapshot.text);
    this.reasoning = longer(this.reasoning, snapshot.reasoning);
    this.refusal = longer(this.refusal, snapshot.refusal);
    this.tools = snapshot.tools.map(([name, args]) => ({ name, args }));
    this.images = snapshot.images;
    this.#setState(snapshot.state);
    if (snapshot.ending) this.#end(snapshot.ending);
  }

  #setState(state: State): void {
    this.state = state;
    this.began = performance.now() - state.now * 1000;
  }

  #end(ending: Ending): void {
    this.ending = ending;
    this.cancelling = false;
    clearTimeout(this.#cancelTimer);
  }

  #listenForSilence(): void {
    clearTimeout(this.#silenceTimer);
    if (this.ending) return;
    this.#silenceTimer = setTimeout(() => {
      this.#resync();
      this.#silence = Math.min(this.#silence * 2, LONGEST_SILENCE);
      this.#listenForSilence();
    }, this.#silence);
  }

  #resync(): void {
    this.#asked = performance.now();
    this.model.send({ kind: "resync", seq: this.#seq });
  }

  #interrupt(): void {
    if (!this.ending) void this.model.widget_manager?.kernel?.interrupt();
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** Return the text with the piece at its place, or null if something before it is missing. */
function splice(have: string, [offset, piece]: Piece): string | null {
  if (offset > have.length) return null;
  const known = have.length - offset;
  return known < piece.length ? have + piece.slice(known) : have;
}

function longer(have: string, whole: string): string {
  return whole.length >= have.length ? whole : have;
}
