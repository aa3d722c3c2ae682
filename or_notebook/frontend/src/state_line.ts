/** What the answer is doing: words, seconds, a row of dots that moves with each sign of life. */
import { control, element, setText } from "./dom.ts";
import type { Session } from "./session.ts";

const DOTS = 5;

/** Milliseconds between two steps of the dots while text streams. */
const STEP = 250;

export class StateLine {
  readonly node: HTMLElement;
  readonly #dots = Array.from({ length: DOTS }, () => element("i"));
  readonly #row = element("span", { class: "ornb-dots", "aria-hidden": "true" }, ...this.#dots);
  readonly #label = element("span", { class: "ornb-label" });
  // Hidden from screen readers: the seconds would be read aloud each second.
  readonly #detail = element("span", { class: "ornb-detail", "aria-hidden": "true" });
  readonly #cancel = control(
    element("button", { type: "button", class: "ornb-cancel" }, "Cancel"),
  );
  readonly #clock: ReturnType<typeof setInterval>;
  #keepalives = 0;
  #length = 0;
  #step = 0;
  #stepped = 0;

  constructor(private readonly session: Session) {
    const status = element("div", { class: "ornb-status", role: "status" });
    status.append(this.#label, this.#detail);
    this.node = element("div", { class: "ornb-state" }, this.#row, status, this.#cancel);
    this.#cancel.addEventListener("click", () => session.cancel());
    this.#clock = setInterval(() => this.update(), 250);
    this.update();
  }

  update(): void {
    const { state, ending, cancelling } = this.session;
    setText(this.#label, state.label);
    setText(this.#detail, ending ? "" : this.#details());
    this.node.dataset["phase"] = state.phase;
    this.node.dataset["status"] = state.status;
    this.#move();
    this.#cancel.hidden = ending !== null;
    this.#cancel.disabled = cancelling || ending !== null;
    setText(this.#cancel, cancelling ? "cancelling…" : "Cancel");
    if (ending) this.close();
  }

  close(): void {
    clearInterval(this.#clock);
  }

  #details(): string {
    const { state } = this.session;
    const seconds = state.since === null ? "" : wholeSeconds(this.session.elapsed() - state.since);
    return [seconds, state.detail].filter(Boolean).join(" · ");
  }

  #move(): void {
    const { state, text, reasoning } = this.session;
    const length = text.length + reasoning.length;
    const alive = state.keepalives !== this.#keepalives;
    const grown = length !== this.#length && performance.now() - this.#stepped > STEP;
    if (!alive && !grown && this.#stepped) return;
    this.#keepalives = state.keepalives;
    this.#length = length;
    this.#dots[this.#step % DOTS]?.classList.remove("ornb-on");
    if (this.#stepped) this.#step += 1;
    this.#dots[this.#step % DOTS]?.classList.add("ornb-on");
    this.#stepped = performance.now();
  }
}

/** Return full seconds as `12 s` or `2 min 5 s`, nothing within the first. */
export function wholeSeconds(seconds: number): string {
  const whole = Math.floor(seconds);
  if (whole < 1) return "";
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
