/** The runtime: one copy per page, shared by all views. */
import { RUNTIME_KEY, type Model, type Runtime, type RuntimeScope } from "./model.ts";
import { Session } from "./session.ts";
import { View } from "./view.ts";

const runtime: Runtime = {
  open(model: Model) {
    const session = new Session(model);
    return {
      receive: (message) => session.receive(message),
      render: (el) => {
        const view = new View(session, el);
        return () => view.close();
      },
      close: () => session.close(),
    };
  },
};

(globalThis as unknown as RuntimeScope)[RUNTIME_KEY] ??= runtime;

export default { initialize: () => undefined };
