"use strict";
// Tabs, copy buttons and live figures of a service's page. All text enters as text, never as HTML.
(() => {
  const find = (selector, within = document) => Array.from(within.querySelectorAll(selector));
  const KEY = "estudio-key:" + location.pathname.split("/").slice(0, 3).join("/");

  for (const list of find("[role=tablist]")) {
    const tabs = find("[role=tab]", list);
    const choose = (chosen, focus) => {
      for (const tab of tabs) {
        const is = tab === chosen;
        tab.setAttribute("aria-selected", String(is));
        tab.tabIndex = is ? 0 : -1;
        document.getElementById(tab.getAttribute("aria-controls")).hidden = !is;
      }
      if (focus) chosen.focus();
    };
    list.hidden = false;
    for (const [place, tab] of tabs.entries()) {
      tab.addEventListener("click", () => choose(tab, false));
      tab.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        const target = event.key === "Home" ? 0 : event.key === "End" ? tabs.length - 1
          : step ? (place + step + tabs.length) % tabs.length : null;
        if (target === null) return;
        event.preventDefault();
        choose(tabs[target], true);
      });
    }
    choose(tabs[0], false);
  }

  for (const button of find("button[data-copies]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const words = button.textContent;
      const text = document.getElementById(button.dataset.copies).textContent;
      try {
        await navigator.clipboard.writeText(text);
        button.textContent = "Copied";
      } catch {
        const range = document.createRange();
        range.selectNodeContents(document.getElementById(button.dataset.copies));
        getSelection().removeAllRanges();
        getSelection().addRange(range);
        button.textContent = "Selected: press Ctrl+C";
      }
      setTimeout(() => { button.textContent = words; }, 2000);
    });
  }

  const figures = document.getElementById("figures");
  if (figures) {
    const show = async () => {
      const key = sessionStorage.getItem(KEY);
      if (!key || document.hidden) return;
      const response = await fetch(figures.dataset.address, { headers: { Authorization: "Bearer " + key } });
      if (!response.ok) return;
      const read = await response.json();
      for (const place of find("[data-figure]", figures)) {
        const value = read[place.dataset.figure];
        place.textContent = value === null || value === undefined ? "-"
          : place.dataset.figure.endsWith("_seconds") ? (value * 1000).toLocaleString("en") + " ms"
          : value.toLocaleString("en");
      }
      document.getElementById("figures-hint").hidden = true;
    };
    const look = () => show().catch(() => { /* the next look may find the server again */ });
    look();
    setInterval(look, 5000);
  }
})();
