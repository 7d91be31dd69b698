"""The quick path of a hook: it answers from the guard's index, and uses only the standard library. Not here: the full
path (`coord.hooks`), which appends events and shows texts to agents. See `coord.guard.decision`.

These modules load before every write of an agent, so nothing here may import msgspec, click, json or re.
"""
