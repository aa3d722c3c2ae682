/** A code block that grows: only its last part is coloured again, and not at every character. */
import { control, element } from "../dom.ts";
import { highlight } from "./highlight.ts";

/** Characters after which, at the end of a line, a part is finished. */
const PART = 12_000;

/** Share of the time that may go into colouring a block that still grows. */
const SHARE = 0.1;

const COPIED_MILLISECONDS = 1_500;

export class CodeBlock {
  readonly node: HTMLElement;
  readonly #code = element("code");
  readonly #label = element("div", { class: "ornb-language" });
  #language = "";
  #text = "";
  /** Where the last part begins, how far it is coloured, and its two nodes. */
  #start = 0;
  #coloured = 0;
  #part = element("span");
  #rest = document.createTextNode("");
  #pause = 0;
  #sealed = false;

  constructor() {
    const copy = control(
      element("button", { type: "button", class: "ornb-copy", "aria-label": "Copy code" }, "Copy"),
    );
    copy.addEventListener("click", () => void this.#copy(copy));
    const pre = element("pre", { tabindex: "0" }, this.#code);
    this.node = element("div", { class: "ornb-code" }, this.#label, pre, copy);
    this.#begin(0);
  }

  set(text: string, language: string): void {
    if (text === this.#text && language === this.#language) return;
    if (language !== this.#language || !text.startsWith(this.#text)) {
      this.#language = language;
      this.#label.textContent = language;
      this.#code.replaceChildren();
      this.#begin(0);
    }
    this.#sealed = false;
    this.#text = text;
    this.#finishParts();
    const line = text.lastIndexOf("\n") + 1;
    if (line > this.#coloured && performance.now() > this.#pause) this.#colour(line);
    this.#rest.data = text.slice(this.#coloured);
  }

  /** Colour all of it: nothing will come any more. */
  seal(): void {
    if (this.#sealed) return;
    this.#sealed = true;
    this.#colour(this.#text.length);
    this.#rest.data = "";
  }

  #begin(start: number): void {
    this.#start = this.#coloured = start;
    this.#part = element("span");
    this.#rest = document.createTextNode("");
    this.#code.append(this.#part, this.#rest);
  }

  #finishParts(): void {
    for (;;) {
      const end = this.#text.indexOf("\n", this.#start + PART) + 1;
      if (!end) return;
      this.#colour(end);
      this.#rest.remove();
      this.#part.className = "ornb-part";
      this.#begin(end);
    }
  }

  #colour(end: number): void {
    const began = performance.now();
    const code = this.#text.slice(this.#start, end);
    const html = highlight(code, this.#language);
    if (html === null) this.#part.textContent = code;
    else this.#part.innerHTML = html;
    this.#coloured = end;
    const now = performance.now();
    this.#pause = now + (now - began) / SHARE;
  }

  async #copy(button: HTMLElement): Promise<void> {
    try {
      await navigator.clipboard.writeText(this.#text.replace(/\n$/, ""));
      button.textContent = "Copied";
    } catch {
      // Without a secure context the page may not write there; the code can still be selected.
      button.textContent = "Not allowed";
    }
    setTimeout(() => (button.textContent = "Copy"), COPIED_MILLISECONDS);
  }
}
