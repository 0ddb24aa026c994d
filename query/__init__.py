"""Question to plan to evidence to answer to draft.

Where things are, in the order of the flow (`query.engine` is the flow itself, as one expression):

- question: `intent` (what else is wanted), `entity_names` (who is named), `text2sql` (readings over tables)
- plan: `planning` (the choice), `recipes` (several steps), `population` (whom a question is about), `router`, `plan`
- evidence: `execute` (runs the steps), `facts`, `scoring` and `scorer`, `next_steps`, `relevance`, `evidence`
- answer: `tell` (what is said), `compose`, `items`, `quoting`, `format`, `chart`, `images`
- proof: `prove` (the checker), `provenance` (where a value comes from), `reread`, `names`, `markdown` (marks), `answer`
- drafts: `drafts` (templates and writer), `letters` (drafts of an answer)
- `parts` is what the engine is built from; `llama` shows all of it through LlamaIndex's interfaces
"""
