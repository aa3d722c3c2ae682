/** Growing plain text, cut into pieces so that a new line does not lay out all earlier ones. */
import { element } from "./dom.ts";

/** Characters after which the next line break, or else the next blank, begins a new piece. */
const PIECE = 4_000;
const LONGEST_PIECE = 5_000;

export class PlainText {
  #text = "";
  /** Where the open piece begins. */
  #start = 0;
  #open: Text | undefined;

  constructor(readonly node: HTMLElement) {}

  set(text: string): void {
    if (!text.startsWith(this.#text)) {
      this.node.replaceChildren();
      this.#open = undefined;
      this.#start = 0;
    }
    this.#text = text;
    for (;;) {
      const end = cut(text, this.#start);
      this.#show(text.slice(this.#start, end ?? text.length));
      if (end === null) return;
      // The break between two pieces stands for the line break, and a blank is not missed there.
      this.#start = end + (/\s/.test(text[end] ?? "") ? 1 : 0);
      this.#open = undefined;
    }
  }

  #show(piece: string): void {
    if (!this.#open) {
      if (!piece) return;
      this.#open = document.createTextNode("");
      this.node.append(element("div", { class: "ornb-piece" }, this.#open));
    }
    const shown = this.#open.length;
    if (piece.length >= shown) this.#open.appendData(piece.slice(shown));
    else this.#open.data = piece;
  }
}

/** Return where the piece that begins at `start` ends, or null while that is open. */
function cut(text: string, start: number): number | null {
  if (text.length - start <= LONGEST_PIECE) return null;
  const window = text.slice(start + PIECE, start + LONGEST_PIECE);
  const place = [window.indexOf("\n"), window.search(/\s/)].find((index) => index >= 0);
  if (place !== undefined) return start + PIECE + place;
  // Without a blank: anywhere but between the halves of a surrogate pair.
  const code = text.charCodeAt(start + LONGEST_PIECE - 1);
  return start + LONGEST_PIECE - (code >= 0xd800 && code < 0xdc00 ? 1 : 0);
}
