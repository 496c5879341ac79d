"""Loads modules as a component would and prints what each says of itself: describe.py MODULE…

What the contract looks like is on the path, as componentize-py makes it.
"""

import importlib
import json
import sys
from pathlib import Path

for module in sys.argv[1:]:
    path = Path(module)
    sys.path.insert(0, str(path.parent))
    said = importlib.import_module(path.stem).Behaviour().describe()
    patterns = [command.pattern for command in said.commands]
    print(json.dumps({"module": module, "name": said.name, "summary": said.summary, "commands": patterns}))
