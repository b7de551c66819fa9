"""How messages and windows look: contrast, nothing cut, room for a finger; light and dark, wide and narrow."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.playground import gallery, gallery_tab
from tests.playground.gallery import filled
from tests.playground.gallery_tab import Opener

pytestmark = pytest.mark.live

# Where pytest looks for fixtures.
browser, new = gallery_tab.browser, gallery_tab.new


def sights() -> dict[str, gallery.Json]:
    hard = gallery.section("w" * 300, accessory={"type": "button", "text": gallery.plain("n" * 75), "action_id": "x"})
    choices = gallery.choices("q" * 75)
    return gallery.EVERYTHING | gallery.cards() | {"long words": {"blocks": [hard, choices]}}


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_and_reached_at_every_width(new: Opener, scheme: str, width: int) -> None:
    shown = new(color_scheme=scheme, viewport={"width": width, "height": 844})
    shown.show(sights())
    assert shown.get("faint()") == []
    assert shown.get("cut()") == []
    for view in (filled(), *gallery.windows().values()):
        window = shown.open(view)
        if view.get("submit") and view["id"] == "V1":
            window.get_by_label("Title").fill("")
            shown.page.evaluate("gallery.answers.submit = {errors: {title: 'Too vague.'}}")
            window.get_by_role("button", name="Hand over").click()
            expect(window).to_contain_text("Too vague.")
        assert shown.get("faint()") == []
        assert shown.get("cut()") == []
        if width < 640:
            assert shown.get("small()") == []
        shown.get(f"page.closeModal('{view['id']}')")
    for opener, opened in (("More actions", "menu"), ("Restart the container buggy-app-v2", "alertdialog")):
        shown.page.get_by_role("button", name=opener).first.click()
        expect(shown.page.get_by_role("menu" if opened == "menu" else "alertdialog")).to_be_visible()
        assert shown.get("faint()") == []
        assert shown.get("cut()") == []
        if width < 640:
            assert shown.get("small()") == []
        shown.page.keyboard.press("Escape")
