"""An OpenRouter-compatible server on loopback: for the demo, for workshops without keys, for tests.

From a request to its answer:

app            routes: what each address answers
guard          middleware: who may ask, and the record of what was asked
skins          the four dialects: what a body must look like, and how an answer is written
body, rules    checking JSON
question       what a request asks for, whichever dialect it came in
settings       how the model shall act: the request field `sandbox`
call           one valid request, and how its model shall act
catalogue      which models there are, who provides them, what they cost; `made_up` adds more
behaviours     what each model does, as steps; `texts`, `tool_calls`, `picture` are its material
error_table    errors by name: `errors_own` are OpenRouter's, `errors_elsewhere` other servers'
steps          the vocabulary of those steps
pacing         when each step is due
performance    steps become a response, until the client leaves
envelope, sse  what the answers of all skins have in common
usage          counting tokens and money
routing        which providers were tried
generation     the bill of one answer
records        what the sandbox saw
errors         refusals of a request

A request goes down that list: `Skin.read` makes a question of its body, a behaviour makes steps of
the question, `Skin.stream` or `Skin.body` writes them. What a dialect has no word for is spent but
not shown: pictures in messages; reasoning, tool calls, pictures and sources in completions.

To run it:

server         a thread that serves it
demo           the sandbox, JupyterLab and the tour notebook together
terminal       what both commands share
"""
