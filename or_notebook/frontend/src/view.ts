/** One view of an answer: state line, reasoning, answer, tool calls, errors, summary. */
import { answerOf, type Answer } from "./answer.ts";
import { control, element, harmless, setText } from "./dom.ts";
import { CodeBlock } from "./markdown/code.ts";
import { imageLink } from "./markdown/inline.ts";
import { safeImageUrl } from "./markdown/links.ts";
import { MarkdownStream } from "./markdown/stream.ts";
import type { Session } from "./session.ts";
import { StateLine } from "./state_line.ts";
import { addStyle } from "./style.ts";

/** Milliseconds of drawing in one animation frame. */
const BUDGET = 10;

/** A paint that took this many milliseconds is followed by a pause of three times as long. */
const SLOW = 8;

/** Raster images only: an SVG image is a document of its own. */
const RASTER = /^data:image\/(?:png|jpeg|gif|webp|avif);base64,/;

export class View {
  readonly #state: StateLine;
  readonly #top = element("div", { class: "ornb-top" });
  readonly #notices = element("ul", { class: "ornb-notices", hidden: true });
  readonly #reasoningText = element("div", { class: "ornb-thoughts ornb-flow", tabindex: "0" });
  readonly #reasoning = element(
    "details",
    { class: "ornb-reasoning", hidden: true },
    control(element("summary", {}, "Reasoning")),
    this.#reasoningText,
  );
  readonly #answer = element("div", {
    class: "ornb-answer ornb-flow",
    role: "region",
    "aria-label": "Answer",
    "aria-busy": "true",
  });
  readonly #refusal = element("div", { class: "ornb-refusal", hidden: true });
  readonly #tools = element("div", { class: "ornb-tools" });
  readonly #images = element("div", { class: "ornb-images" });
  readonly #errors = element("div", { class: "ornb-errors", role: "alert" });
  readonly #note = element("p", { class: "ornb-note", hidden: true });
  readonly #summary = element("div", {
    class: "ornb-summary",
    role: "group",
    "aria-label": "Usage summary",
  });

  readonly #reasoningShown = new MarkdownStream(this.#reasoningText);
  readonly #toolBlocks: { node: HTMLElement; name: HTMLElement; block: CodeBlock }[] = [];
  #text: Answer | undefined;
  #taken = 0;
  #reasoningTaken = 0;
  #finished = false;
  #frame = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #resume = 0;
  readonly #unsubscribe: () => void;

  constructor(
    private readonly session: Session,
    el: HTMLElement,
  ) {
    addStyle(el);
    this.#state = new StateLine(session);
    this.#top.append(this.#state.node, this.#reasoning);
    const parts = [this.#top, this.#answer, this.#refusal, this.#images, this.#tools];
    const foot = element("div", { class: "ornb-foot" }, this.#summary);
    const ending = [this.#notices, this.#errors, this.#note, foot];
    el.append(element("div", { class: "ornb jp-RenderedHTMLCommon" }, ...parts, ...ending));
    this.#reasoning.addEventListener("toggle", () => {
      session.showReasoning(this.#reasoning.open);
      this.#schedule();
    });
    this.#unsubscribe = session.subscribe(() => this.#schedule());
    this.#paint();
  }

  close(): void {
    this.#unsubscribe();
    this.#state.close();
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    this.#state.update();
    if (this.#frame || this.#timer !== undefined || this.#finished) return;
    const pause = this.#resume - performance.now();
    if (pause > 0) {
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.#schedule();
      }, pause);
    } else {
      this.#frame = requestAnimationFrame(() => {
        this.#frame = 0;
        this.#paint();
      });
    }
  }

  #paint(): void {
    const began = performance.now();
    const { session } = this;
    this.#text ??= answerOf(session.format, this.#answer);
    this.#text.append(harmless(session.text.slice(this.#taken)));
    this.#taken = session.text.length;
    let left = this.#text.paint(BUDGET);
    left = this.#paintReasoning() || left;
    this.#paintParts();
    if (session.ending && !left) this.#finish();
    const took = performance.now() - began;
    this.#resume = took > SLOW ? performance.now() + took * 3 : 0;
    if (left) this.#schedule();
  }

  #paintReasoning(): boolean {
    const { session } = this;
    if (!session.reasoning) return false;
    this.#reasoning.hidden = false;
    this.#top.classList.add("ornb-thought");
    // Closed, nobody sees it grow.
    if (!this.#reasoning.open && !session.ending) return false;
    this.#reasoningShown.append(harmless(session.reasoning.slice(this.#reasoningTaken)));
    this.#reasoningTaken = session.reasoning.length;
    return this.#reasoningShown.paint(BUDGET);
  }

  #paintParts(): void {
    const { session } = this;
    if (session.refusal) {
      this.#refusal.hidden = false;
      this.#refusal.replaceChildren(element("strong", {}, "Refused: "), harmless(session.refusal));
    }
    this.#paintTools();
    for (const url of session.images.slice(this.#images.childElementCount)) {
      this.#images.append(image(url));
    }
    const { notices } = session.state;
    this.#notices.hidden = notices.length === 0;
    for (const notice of notices.slice(this.#notices.childElementCount)) {
      this.#notices.append(element("li", {}, notice));
    }
  }

  #paintTools(): void {
    this.session.tools.forEach(({ name, args }, index) => {
      let tool = this.#toolBlocks[index];
      if (!tool) {
        const block = new CodeBlock();
        const title = element("code");
        const head = element("p", { class: "ornb-tool" }, "Tool call ", title);
        tool = { node: element("div", {}, head, block.node), name: title, block };
        this.#toolBlocks[index] = tool;
        this.#tools.append(tool.node);
      }
      setText(tool.name, harmless(name) || "…");
      tool.block.node.hidden = args === "";
      tool.block.set(harmless(args), "json");
    });
  }

  #finish(): void {
    const { ending } = this.session;
    if (!ending || this.#finished) return;
    this.#finished = true;
    this.#text?.finish();
    this.#reasoningShown.finish();
    for (const { block } of this.#toolBlocks) block.seal();
    this.#answer.setAttribute("aria-busy", "false");
    this.#errors.append(...ending.errors.map((line) => element("p", {}, line)));
    if (ending.note) {
      this.#note.hidden = false;
      this.#note.textContent = ending.note;
    }
    this.#summary.textContent = ending.summary;
  }
}

function image(url: string): HTMLElement {
  if (RASTER.test(url)) return element("img", { src: url, alt: "Image of the answer" });
  const safe = safeImageUrl(url);
  return safe ? imageLink(safe, `image: ${safe}`, "") : element("span", {}, "image");
}
