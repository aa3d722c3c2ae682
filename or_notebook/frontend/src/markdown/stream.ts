/**
 * Markdown that arrives in pieces.
 *
 * What is drawn depends on the text alone, never on how it was cut: blocks are finished by whole
 * lines only, and a finished block is not touched again. The block at the end is drawn anew with
 * each frame, with its open markers closed. The one exception: when all has arrived, blocks that
 * refer to a link defined further down are drawn again.
 */
import remend from "remend";
import { isDrawn, reconcile, type BlockView } from "./blocks.ts";
import { Blocks, definitions, type AnyToken, type Links } from "./lexer.ts";

/** Characters lexed at once, so that a long text that comes at once is drawn in several steps. */
const WINDOW = 12_000;

/** Characters by which an unfinished block grows at once: the browser has to lay them out. */
const STEP = 200_000;

/** Characters of an unfinished block above which only the markers of its last line are closed. */
const LONGEST_PREVIEW = 4_000;

const REMEND = { linkMode: "text-only", comparisonOperators: false, singleTilde: false } as const;

/** A finished block that may still refer to a link defined after it. */
interface Referring {
  view: BlockView;
  token: AnyToken;
  known: number;
}

export class MarkdownStream {
  /** What is not finished, with line ends as in Unix. */
  #open = "";
  /** What was not looked at yet; a CR at its end may be half of a line end. */
  #unread = "";
  /** The lines up to here have been looked at, and finish nothing. */
  #tried = 0;
  /** So much of it is drawn. */
  #drawn = 0;
  #views: BlockView[] = [];
  readonly #links: Links = Object.create(null) as Links;
  /** How many definitions were known when each open view was made. */
  readonly #known = new WeakMap<BlockView, number>();
  readonly #referring: Referring[] = [];

  constructor(private readonly root: HTMLElement) {}

  append(text: string): void {
    this.#unread += text;
  }

  /** Draw what has arrived, for about `budget` milliseconds; return whether some is left. */
  paint(budget: number): boolean {
    const deadline = performance.now() + budget;
    this.#read();
    let size = WINDOW;
    let left = true;
    while (left && performance.now() < deadline) {
      const end = this.#open.lastIndexOf("\n", size - 1) + 1;
      left = this.#open.length > size;
      // One block may be longer than the window.
      size = this.#finishBlocks(end) ? WINDOW : size * 2;
    }
    this.#drawn = Math.min(left ? size : this.#open.length, this.#drawn + STEP);
    this.#preview(this.#drawn);
    return this.#drawn < this.#open.length;
  }

  /** Draw all of it: nothing will come any more. */
  finish(): void {
    while (this.paint(Infinity));
    this.#read(true);
    // A last line of blanks is no line, whether its end came or not.
    const blocks = this.#lex(this.#open.replace(/\n[ \t]+$/, "\n"));
    this.#settle(blocks.tokens, blocks);
    // The preview may have seen more blocks, before the text's end was known to be its end.
    this.#draw(this.#views, [], blocks);
    this.#open = "";
    this.#redrawReferring();
  }

  #read(all = false): void {
    const end = !all && this.#unread.endsWith("\r") ? this.#unread.length - 1 : undefined;
    this.#open += this.#unread.slice(0, end).replace(/\r\n?/g, "\n");
    this.#unread = end === undefined ? "" : "\r";
  }

  #lex(source: string): Blocks {
    return new Blocks(source, this.#links);
  }

  /** Finish the blocks that no further line can change; return whether there were any. */
  #finishBlocks(end: number): boolean {
    if (end <= this.#tried) return false;
    this.#tried = end;
    const blocks = this.#lex(this.#open.slice(0, end));
    const count = finished(blocks.tokens);
    const done = blocks.tokens.slice(0, count);
    const length = done.reduce((sum, token) => sum + token.raw.length, 0);
    if (length === 0) return false;
    this.#settle(done, blocks);
    this.#open = this.#open.slice(length);
    this.#drawn = Math.max(0, this.#drawn - length);
    this.#tried = 0;
    return true;
  }

  #settle(tokens: readonly AnyToken[], blocks: Blocks): void {
    definitions(tokens, this.#links);
    const drawn = tokens.filter(isDrawn);
    const views = this.#views.splice(0, drawn.length);
    this.#draw(views, drawn, blocks);
    drawn.forEach((token, index) => {
      const view = views[index];
      if (!view) return;
      view.seal?.();
      const known = this.#known.get(view) ?? 0;
      if (mayRefer(token)) this.#referring.push({ view, token, known });
    });
  }

  #preview(length: number): void {
    const blocks = this.#lex(closeMarkers(this.#open.slice(0, length)));
    this.#draw(this.#views, blocks.tokens, blocks);
  }

  #draw(views: BlockView[], tokens: readonly AnyToken[], blocks: Blocks): void {
    const before = new Set(views);
    reconcile(this.root, views, tokens, blocks);
    const known = Object.keys(this.#links).length;
    for (const view of views) if (!before.has(view)) this.#known.set(view, known);
  }

  #redrawReferring(): void {
    const total = Object.keys(this.#links).length;
    for (const { view, token, known } of this.#referring) {
      if (known === total) continue;
      const holder = document.createElement("div");
      // The blank line: on its own the block ends where it ended in the text.
      const blocks = this.#lex(`${token.raw}\n\n`);
      const views: BlockView[] = [];
      reconcile(holder, views, blocks.tokens, blocks);
      for (const fresh of views) fresh.seal?.();
      view.node.replaceWith(...holder.childNodes);
    }
    this.#referring.length = 0;
  }
}

/**
 * Return how many tokens are finished: all before the last block. A paragraph that it follows without
 * a blank line is not finished either: what comes may turn out to be the paragraph's next line.
 */
function finished(tokens: readonly AnyToken[]): number {
  let last = tokens.length - 1;
  while (last >= 0 && tokens[last]?.type === "space") last -= 1;
  return Math.max(0, tokens[last - 1]?.type === "paragraph" ? last - 1 : last);
}

function mayRefer({ type, raw }: AnyToken): boolean {
  return type !== "code" && type !== "html" && type !== "math_block" && raw.includes("[");
}

/** Close what is open at the end, such as `**bold`, so that it does not look raw until it ends. */
function closeMarkers(source: string): string {
  const fences = source.match(/^[ \t>*+-]*(?:```|~~~)/gm);
  if (fences && fences.length % 2 === 1) return source;
  const start = source.length <= LONGEST_PREVIEW ? 0 : source.lastIndexOf("\n") + 1;
  if (source.length - start > LONGEST_PREVIEW) return source;
  const tail = source.slice(start);
  // An open formula would be taken for a link.
  const links = !tail.includes("\\[");
  return source.slice(0, start) + remend(tail, { ...REMEND, links, images: links });
}
