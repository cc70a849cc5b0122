"""Published experiments at work: frozen versions, calls of them, jobs. Knows of no HTTP."""
