/* Sorts and searches tables. Nothing on the page needs it: without it every row is there to read. */
(() => {
  "use strict";
  const LEAST_ROWS_TO_SORT = 3;
  const LEAST_ROWS_TO_SEARCH = 16;

  const toKey = (cell, isNumber) => {
    const words = cell.textContent.trim();
    if (!isNumber) return words.toLowerCase();
    const number = parseFloat(words.replace(/[£,%\s]/g, "").replace("\u2212", "-"));
    return Number.isNaN(number) ? null : number;
  };

  const compare = (first, second, turn) => {
    if (first === null || second === null) return (first === null) - (second === null);
    if (typeof first === "number") return turn * (first - second);
    return turn * first.localeCompare(second, "en-GB", { numeric: true });
  };

  const addSorting = (table, status) => {
    const body = table.tBodies[0];
    const rows = [...body.rows].filter((row) => !row.classList.contains("total"));
    const totals = [...body.rows].filter((row) => row.classList.contains("total"));
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, place) => {
      const button = document.createElement("button");
      const words = head.textContent.trim();
      button.type = "button";
      button.className = "sort";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const before = head.getAttribute("aria-sort");
        const after = before === "ascending" ? "descending" : before === "descending" ? "" : "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        const order = [...rows];
        if (after) {
          head.setAttribute("aria-sort", after);
          const isNumber = head.classList.contains("number");
          const turn = after === "ascending" ? 1 : -1;
          const keys = new Map(rows.map((row) => [row, toKey(row.cells[place], isNumber)]));
          order.sort((one, two) => compare(keys.get(one), keys.get(two), turn));
        }
        body.append(...order, ...totals);
        status.textContent = after ? `Sorted by ${words}, ${after}.` : "In the report's own order.";
      });
    });
  };

  const addSearch = (box, table, status) => {
    const label = document.createElement("label");
    const input = document.createElement("input");
    input.type = "search";
    input.autocomplete = "off";
    label.className = "search";
    label.append("Find in this table ", input);
    const hint = document.createElement("span");
    hint.textContent = "Select a heading to sort.";
    label.append(hint);
    box.before(label);
    const rows = [...table.tBodies[0].rows];
    input.addEventListener("input", () => {
      const wanted = input.value.trim().toLowerCase();
      let shown = 0;
      rows.forEach((row) => {
        row.hidden = wanted !== "" && !row.textContent.toLowerCase().includes(wanted);
        shown += row.hidden ? 0 : 1;
      });
      status.textContent = wanted ? `${shown} of ${rows.length} rows shown.` : "";
    });
  };

  // A box that is wider than its place fades at the right until its end is in sight.
  const markEdges = (box) => {
    box.classList.toggle("more", box.scrollLeft + box.clientWidth < box.scrollWidth - 1);
    box.classList.toggle("moved", box.scrollLeft > 1);
  };
  const sizes = new ResizeObserver((changes) => changes.forEach((one) => markEdges(one.target)));
  document.querySelectorAll(".scroll").forEach((box) => {
    sizes.observe(box);
    box.addEventListener("scroll", () => markEdges(box), { passive: true });
  });

  document.querySelectorAll(".table .scroll").forEach((box) => {
    const table = box.querySelector("table");
    const count = table.tBodies[0].rows.length;
    if (count < LEAST_ROWS_TO_SORT || table.querySelector("[colspan], [rowspan]")) return;
    const status = document.createElement("p");
    status.className = "status";
    status.setAttribute("role", "status");
    box.after(status);
    addSorting(table, status);
    if (count >= LEAST_ROWS_TO_SEARCH) addSearch(box, table, status);
  });
})();
