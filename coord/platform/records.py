"""Records for code that runs before every write of an agent.

Loading `dataclasses` or msgspec there would take longer than the check itself. Type checkers treat these records as
dataclasses with keyword arguments.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self, dataclass_transform
else:

    def dataclass_transform(**_):
        """Do nothing. The real one is in `typing`, which is slow to load."""
        return lambda kind: kind


@dataclass_transform(kw_only_default=True)
class LightRecord:
    """A record. A subclass declares its fields with their types."""

    def __init__(self, **fields: object) -> None:
        vars(self).update(fields)

    @classmethod
    def read(cls, fields: "Mapping[str, object]") -> "Self":
        """Return a record from its saved fields, which are those that `vars(record)` returns."""
        value = cls.__new__(cls)
        vars(value).update(fields)
        return value
