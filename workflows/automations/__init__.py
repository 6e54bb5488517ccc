"""The action types: what each kind of action of an automation does, one module each, registered by its name on the wire."""
