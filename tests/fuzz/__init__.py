"""Input that nobody thought of: requests made from the API's own document, and text for everything that reads text.

Guarantee: whatever is sent, the answer is one that the document describes and no fault of the service; whatever is
read, it is understood or refused by the one error that its reader promises.

Each `make test` plays a few of each; `make fuzz CASES=100000` plays as many as are asked for.
"""

import os

CASES = int(os.environ.get("HOROLOG_FUZZ_CASES", "1500"))
"""How many requests are made altogether."""
