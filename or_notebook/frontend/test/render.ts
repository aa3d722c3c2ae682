import { MarkdownStream } from "../src/markdown/stream.ts";

/** Return the HTML of the pieces drawn one after the other. */
export function render(pieces: Iterable<string>, everyFrame = true): string {
  const root = document.createElement("div");
  const stream = new MarkdownStream(root);
  for (const piece of pieces) {
    stream.append(piece);
    if (everyFrame) while (stream.paint(1000));
  }
  stream.finish();
  return root.innerHTML;
}

export function renderInto(text: string): HTMLElement {
  const root = document.createElement("div");
  const stream = new MarkdownStream(root);
  stream.append(text);
  stream.finish();
  return root;
}

/** Cut a text at random places; the same seed cuts the same way. */
export function cut(text: string, seed: number, longest: number): string[] {
  const pieces: string[] = [];
  let state = seed;
  for (let index = 0; index < text.length; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const length = 1 + (state >>> 8) % longest;
    pieces.push(text.slice(index, index + length));
    index += length;
  }
  return pieces;
}
