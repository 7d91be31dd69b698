"""Values of named fields, for what must be loaded before every write of an agent: `dataclasses` or msgspec would cost
more than all that is done there. Type checkers see a dataclass, whose fields are given by name.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self, dataclass_transform
else:

    def dataclass_transform(**_):
        """Nothing: `typing` would have to be loaded."""
        return lambda kind: kind


@dataclass_transform(kw_only_default=True)
class LightRecord:
    """A value of named fields; a subclass says which, with their types."""

    def __init__(self, **fields: object) -> None:
        vars(self).update(fields)

    @classmethod
    def read(cls, fields: "Mapping[str, object]") -> "Self":
        """The value that `vars` gave these fields, as they were read from a file of ours."""
        value = cls.__new__(cls)
        vars(value).update(fields)
        return value
