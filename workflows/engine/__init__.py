"""The pure core: what an execution does, as functions of data. Standard library only; no Django, clock, randomness or I/O."""
