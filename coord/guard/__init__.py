"""The quick path of a hook: answers from the guard's index, with the standard library only. Not here: what appends
events or has something to tell, which is the full path (`coord.hooks`). See `coord.guard.decision`.

These modules load before every write of an agent, so nothing here may import msgspec, click, json or re.
"""
