"use strict";
(() => {
  const root = document.documentElement;
  const all = (selector, within = document) => Array.from(within.querySelectorAll(selector));

  const show = (lang) => {
    const edition = all(".edition").find((one) => one.dataset.lang === lang);
    root.dataset.lang = lang;
    root.lang = edition.lang;
    document.title = edition.querySelector("h1").textContent;
    all(".language").forEach((one) => one.setAttribute("aria-pressed", String(one.dataset.lang === lang)));
  };
  all(".language").forEach((button) => { button.hidden = false; });
  all(".language").forEach((button) => button.addEventListener("click", () => {
    // stay at the same chapter in the other language
    const here = location.hash.replace(/^#(en|zh)-/, `#${button.dataset.lang}-`);
    show(button.dataset.lang);
    if (here && document.getElementById(here.slice(1))) location.replace(here);
  }));

  const field = (cell) => (cell.dataset.value ?? cell.textContent).replace(/\s+/g, " ").trim();
  const asText = (table) => {
    const head = all("thead th", table).map(field);
    const grouped = table.querySelector("tbody[data-group]") !== null;
    const rows = [grouped ? ["", ...head] : head];
    for (const body of table.tBodies) {
      for (const row of body.rows) {
        if (row.classList.contains("group")) continue;
        const cells = Array.from(row.cells, field);
        rows.push(grouped ? [body.dataset.group ?? "", ...cells] : cells);
      }
    }
    return rows.map((row) => row.join("\t")).join("\n") + "\n";
  };
  const copyOld = (text) => {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  };
  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      try { return copyOld(text); } catch { return false; }
    }
  };
  all(".copy").forEach((button) => {
    const told = button.textContent;
    button.hidden = false;
    button.addEventListener("click", async () => {
      if (!(await copy(asText(button.parentElement.querySelector("table"))))) return;
      button.textContent = button.dataset.done;
      setTimeout(() => { button.textContent = told; }, 1600);
    });
  });

  all(".open-all").forEach((button) => {
    const told = button.textContent;
    button.hidden = false;
    button.addEventListener("click", () => {
      const open = button.textContent === told;
      all("details", button.closest(".edition")).forEach((one) => { one.open = open; });
      button.textContent = open ? button.dataset.close : told;
    });
  });
})();
