# The folders that modules were imported from, and those where they are looked for: what is watched for
# edits. Python's own library is not edited.

import os
import sys
import sysconfig

OURS = ("site-packages", "dist-packages")


def folders():
    paths = sysconfig.get_paths()
    library = tuple(os.path.join(paths[name], "") for name in ("stdlib", "platstdlib"))
    found = set()
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str):
            found.add(os.path.dirname(os.path.abspath(file)))
    found.update(os.path.abspath(folder) for folder in sys.path if os.path.isdir(folder))
    return sorted(
        folder
        for folder in found
        if not os.path.join(folder, "").startswith(library) or any(part in folder for part in OURS)
    )
