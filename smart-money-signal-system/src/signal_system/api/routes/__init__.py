"""One module a subject; each builds its router around what it reads."""
