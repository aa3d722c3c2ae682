"""An OpenRouter-compatible server on loopback: for the demo, for workshops without keys, for tests.

From a request to its answer:

app            routes: what each address answers
guard          middleware: who may ask, and the record of what was asked
validation     what a request body must look like; `messages` and `rules` belong to it
call           one valid request, and how its model shall act
catalogue      which models there are, who provides them, what they cost
behaviours     what each model does, as steps; `texts`, `tool_calls`, `picture` are its material
steps          the vocabulary of those steps
pacing         when each step is due
performance    steps become a response, until the client leaves
chunks, body   the shapes of the chat-completions skin, streamed and not
usage          counting tokens and money
generation     the bill of one answer
records        what the sandbox saw
errors         refusals in the endpoint's own shapes

To run it:

server         a thread that serves it
demo           the sandbox, JupyterLab and the tour notebook together
terminal       what both commands share
"""
