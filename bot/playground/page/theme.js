// Before anything is drawn: the colours that were chosen the last time.

const chosen = localStorage.getItem("aegis-theme");
if (chosen === "light" || chosen === "dark") {
  document.documentElement.dataset.theme = chosen;
}
