import re

from bot.domain.redaction import redact as module
from bot.domain.redaction.redact import redact
from bot.domain.redaction.vendor_tokens import Absent, Rule, brought_by, replace_all
from tests.domain import redaction_cases


def test_every_marker_that_redaction_leaves_is_known_to_what_remembers_absent_hints() -> None:
    cases = [case.text for name in "12345" for case in redaction_cases.secrets(f"secrets-{name}.txt")]
    left = set(re.findall(r"\[redacted:[a-z-]+\]", redact("\n\n\n".join(cases), ["Winter"])))
    assert len(left) > 10
    assert [marker for marker in left if marker not in module._MARKS] == []


def test_a_hint_that_a_marker_can_bring_is_never_taken_for_absent() -> None:
    shapes = [Rule("x", ("token", "password", "]:"), re.compile("x"))]
    assert brought_by("[redacted:session-token]", shapes) == {"token", "]:"}
    absent = Absent(brought_by("[redacted:session-token]", shapes))
    replace_all(shapes, "nothing", absent, folded=True)
    assert absent.of(True) == {"password"}
    assert absent.of(False) == set()
