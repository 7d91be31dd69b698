"""Values of named fields, for what must be loaded before every write of an agent: `dataclasses` or msgspec would cost
more than all that is done there.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Fields:
    """A value of named fields; a subclass says which, with their types."""

    def __init__(self, **fields: "Any") -> None:
        vars(self).update(fields)
