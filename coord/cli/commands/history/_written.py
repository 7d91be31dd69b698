"""Write a result into a file that the user named."""

import os

from coord.engine.run import Run
from coord.errors import usage_error
from coord.platform.replace_file import replace_file
from coord.render.format import line


def write_result(run: Run, given: str, content: str, what: str) -> str:
    """Write a result atomically, and return the path of the file. `what` names it in errors: "the picture".

    Raises CoordError (2), and then an existing file is unchanged.
    """
    path = os.path.join(run.system.cwd, given)
    if "\0" in path:
        raise usage_error(f"{line(given, 200)} is not a valid file name.")
    folder, name = os.path.split(os.path.realpath(path))
    if not name or os.path.isdir(path):
        raise usage_error(f"{line(given, 200)} is a folder: name a file to write {what} to.")
    if not os.path.isdir(folder):
        raise usage_error(f"there is no folder {line(folder, 200)} to write {line(name)} to. Nothing was written.")
    try:
        if os.path.exists(path) and not os.path.isfile(path):  # a device or a pipe cannot be replaced
            with open(path, "wb") as file:
                file.write(content.encode())
        else:
            replace_file(os.path.join(folder, name), content.encode())
    except OSError as error:
        raise usage_error(f"{line(given, 200)} cannot be written: {error.strerror}. Nothing was changed.") from None
    return path
