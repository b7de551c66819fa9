// The question that Slack asks before something is done.

import { holdFocus, returnFocus } from "../lib/focus.js";
import { make, uniqueId } from "../lib/nodes.js";
import { plainText, renderText, textOf } from "../lib/text.js";

/**
 * Ask the question of a confirm object; the promise tells whether the person agreed. Escape means no. Where the answer
 * is dangerous the focus stands on no. The focus returns to ``origin`` before the promise is kept.
 */
export function openConfirm(confirm, ctx = {}, origin = document.activeElement) {
  const [title, said] = [uniqueId("title"), uniqueId("said")];
  const danger = confirm.style === "danger";
  const no = make("button", { type: "button", class: "bk-button" }, label(confirm.deny, "Cancel"));
  const yes = make(
    "button",
    { type: "button", class: `bk-button ${danger ? "bk-danger" : "bk-primary"}`, "data-role": "confirm" },
    label(confirm.confirm, "Yes"),
  );
  no.dataset.role = "deny";
  const dialog = make(
    "dialog",
    { class: "bk-window bk-confirm", role: "alertdialog", "aria-labelledby": title, "aria-describedby": said },
    make("h2", { id: title, class: "bk-window-title" }, label(confirm.title, "Are you sure?")),
    make("div", { id: said, class: "bk-window-body" }, renderText(confirm.text, ctx)),
    make("div", { class: "bk-window-foot" }, no, yes),
  );
  holdFocus(dialog);
  return new Promise((resolve) => {
    let agreed = false;
    no.addEventListener("click", () => dialog.close());
    yes.addEventListener("click", () => {
      agreed = true;
      dialog.close();
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      returnFocus(origin, ctx);
      resolve(agreed);
    });
    document.body.append(dialog);
    dialog.showModal();
    (danger ? no : yes).focus();
  });
}

function label(object, otherwise) {
  return textOf(object) ? plainText(object) : otherwise;
}
