"""The quick path of a hook: what is decided from the guard's index, with the standard library only.

Nothing here may import msgspec, click, json or re: these modules load before every write of an agent.
"""
