"""Stock decisions from demand distributions: one decision a module, every quantity with its arithmetic beside it."""
