/**
 * The small module that every view brings along: it finds the one runtime of the page.
 *
 * A module of its own per view would be sent and parsed again for each answer. The runtime comes
 * with a hidden model instead. Where outputs live in frames of their own, that model is asked for
 * in this frame; and if even that fails, the kernel sends the runtime as a message.
 */
import { RUNTIME_KEY, type Handle, type Model, type Runtime, type RuntimeScope } from "./model.ts";
import type { FromKernel } from "./protocol.ts";

/** Milliseconds to wait for the hidden model before asking the kernel for the runtime. */
const PATIENCE = 1500;
const POLL = 15;

const scope = globalThis as unknown as RuntimeScope;
const handles = new Map<string, Promise<Handle>>();

function initialize({ model }: { model: Model }): () => void {
  const key = String(model.get("key"));
  const early: FromKernel[] = [];
  let handle: Handle | undefined;
  let closed = false;
  const receive = (message: FromKernel): void => {
    if (message.kind === "runtime") void install(message.source);
    else if (handle) handle.receive(message);
    else early.push(message);
  };
  // Listening must begin before this function returns: later messages would be lost.
  model.on("msg:custom", receive);
  const opened = findRuntime(model).then((runtime) => {
    handle = runtime.open(model);
    for (const message of early.splice(0)) handle.receive(message);
    if (closed) handle.close();
    return handle;
  });
  handles.set(key, opened);
  return () => {
    closed = true;
    model.off("msg:custom", receive);
    handles.delete(key);
    handle?.close();
  };
}

async function render({ model, el }: { model: Model; el: HTMLElement }): Promise<() => void> {
  const handle = await handles.get(String(model.get("key")));
  return handle?.render(el) ?? (() => undefined);
}

async function findRuntime(model: Model): Promise<Runtime> {
  const present = scope[RUNTIME_KEY];
  if (present) return present;
  void askManager(model);
  const deadline = Date.now() + PATIENCE;
  let asked = false;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, POLL));
    const runtime = scope[RUNTIME_KEY];
    if (runtime) return runtime;
    if (!asked && Date.now() > deadline) {
      asked = true;
      model.send({ kind: "runtime" });
    }
  }
}

async function askManager(model: Model): Promise<void> {
  try {
    await model.widget_manager?.get_model?.(String(model.get("runtime_id")));
  } catch {
    // This manager does not know the hidden model; the kernel will be asked.
  }
}

async function install(source: string): Promise<void> {
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  await import(url);
  URL.revokeObjectURL(url);
}

export default { initialize, render };
