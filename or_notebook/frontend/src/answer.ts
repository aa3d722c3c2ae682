/** The answer's text in the form that was asked for; all forms take text piece by piece. */
import { CodeBlock } from "./markdown/code.ts";
import { MarkdownStream } from "./markdown/stream.ts";
import { PlainText } from "./plain.ts";
import type { Format } from "./protocol.ts";

export interface Answer {
  append(text: string): void;
  /** Draw for about `budget` milliseconds; return whether some is left. */
  paint(budget: number): boolean;
  finish(): void;
}

export function answerOf(format: Format, root: HTMLElement): Answer {
  if (format === "markdown") return new MarkdownStream(root);
  if (format === "text") return new TextAnswer(root);
  return new CodeAnswer(root, format === "json" ? "json" : "python");
}

class TextAnswer implements Answer {
  #text = "";
  readonly #shown: PlainText;

  constructor(root: HTMLElement) {
    root.classList.add("ornb-plain");
    this.#shown = new PlainText(root);
  }

  append(text: string): void {
    this.#text += text;
  }

  paint(): boolean {
    this.#shown.set(this.#text);
    return false;
  }

  finish(): void {
    this.paint();
  }
}

/** A fence that models put around code although only code was asked for. */
const FENCE = /^\s*```([^\s`]*)[^\n]*\n/;
const FENCE_END = /\n```\s*$/;

class CodeAnswer implements Answer {
  #text = "";
  readonly #block = new CodeBlock();

  constructor(
    private readonly root: HTMLElement,
    private readonly language: string,
  ) {}

  append(text: string): void {
    this.#text += text;
  }

  paint(): boolean {
    if (this.#text && !this.root.hasChildNodes()) this.root.append(this.#block.node);
    const fence = FENCE.exec(this.#text);
    const code = fence ? this.#text.slice(fence[0].length).replace(FENCE_END, "") : this.#text;
    this.#block.set(code, fence?.[1] || this.language);
    return false;
  }

  finish(): void {
    this.paint();
    this.#block.seal();
  }
}
