"""All known signatures.

To add one, add a row, or a piece to a row's pattern, in one of the three tables: what is used up or taken, what is the
matter with others, what the program is and is given. A sign that names a cause is surer than one that names a
consequence: a refused connection after a bad reload is the reload's doing. Add a line for it to the table of tests too.
"""

from __future__ import annotations

from bot.domain.signatures.application import WITHIN
from bot.domain.signatures.dependencies import OTHERS
from bot.domain.signatures.resources import LIMITS
from bot.domain.signatures.signature import Signature

SIGNS: tuple[Signature, ...] = (*LIMITS, *OTHERS, *WITHIN)
