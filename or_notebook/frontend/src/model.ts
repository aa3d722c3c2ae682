import type { FromKernel, ToKernel } from "./protocol.ts";

/** The part of anywidget's model that this extension uses. */
export interface Model {
  get(name: string): unknown;
  on(event: string, callback: (message: FromKernel) => void): void;
  off(event: string, callback: (message: FromKernel) => void): void;
  send(message: ToKernel): void;
  widget_manager?: {
    get_model?(id: string): Promise<unknown>;
    kernel?: { interrupt(): Promise<void> } | null;
  };
}

export interface Handle {
  receive(message: FromKernel): void;
  render(el: HTMLElement): () => void;
  close(): void;
}

/** What the runtime offers to the loaders of all views of the page. */
export interface Runtime {
  open(model: Model): Handle;
}

/** Where the page keeps the one copy of the runtime; the build puts its own name here. */
export const RUNTIME_KEY = "__or_notebook___ORNB_BUILD__";

export type RuntimeScope = Record<string, Runtime | undefined>;
