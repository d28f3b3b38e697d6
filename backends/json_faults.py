"""What msgspec raises for foreign JSON that cannot be read.

Besides its own error there are two of Python's: one for text that is no UTF-8 or has half of a surrogate pair, one for
JSON that is nested too deeply. Bytes that another program sent may cause each of them.
"""

from typing import Final

import msgspec

JSON_FAULTS: Final = (msgspec.DecodeError, UnicodeError, RecursionError)
"""The errors to catch where JSON of another program is decoded."""
