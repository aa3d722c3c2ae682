/**
 * The messages between the kernel and the page. The same types in Python: `display/protocol.py`.
 *
 * Offsets are absolute and count UTF-16 code units, so a lost or doubled message shows at once.
 */

/** A piece of text that belongs at this offset. */
export type Piece = [offset: number, text: string];

/** A piece of the arguments of the tool call with this index. */
export type ToolPiece = [index: number, name: string, offset: number, args: string];

export type Phase = "connecting" | "waiting" | "retrying" | "reasoning" | "streaming" | "done";
export type Status = "streaming" | "complete" | "cancelled" | "truncated" | "failed";
export type Format = "markdown" | "text" | "code" | "json";

/** What the state line says. All times are seconds since the call began. */
export interface State {
  phase: Phase;
  status: Status;
  /** The words; they change only when something happens. */
  label: string;
  /** What follows the words, and the page's own seconds. */
  detail: string;
  /** From when on the page counts seconds; null if it counts none. */
  since: number | null;
  /** When this state was told. */
  now: number;
  keepalives: number;
  /** Retries that are over, one line each. */
  notices: string[];
}

/** What is new in the answer. */
export interface News {
  seq: number;
  text?: Piece;
  reasoning?: Piece;
  refusal?: Piece;
  tools?: ToolPiece[];
  images?: [index: number, urls: string[]];
  state?: State;
}

/** What is told only once, at the end. */
export interface Ending {
  /** What the answer took, on one line. */
  summary: string;
  /** At most three lines about a failure. */
  errors: string[];
  note: string | null;
}

export interface Frame extends News {
  kind: "frame";
}

export interface Final extends News, Ending {
  kind: "final";
  state: State;
}

/** The whole answer so far: for a page that came late or missed something. */
export interface Snapshot {
  kind: "snapshot";
  seq: number;
  format: Format;
  text: string;
  reasoning: string;
  refusal: string;
  tools: [name: string, args: string][];
  images: string[];
  state: State;
  ending: Ending | null;
}

export type FromKernel =
  | Frame
  | Final
  | Snapshot
  | { kind: "ack" }
  | { kind: "runtime"; source: string };

export type ToKernel =
  | { kind: "ready" }
  | { kind: "cancel" }
  | { kind: "resync"; seq: number }
  | { kind: "runtime" }
  | { kind: "reasoning"; open: boolean };
