"""The fold of a history into a state, with the nine rules of claims; not how a state is shown."""
