"""One file per step, in order; a step that has shipped is never changed."""
