"use strict";
(() => {
  const filter = document.getElementById("filter");
  const rows = document.querySelectorAll(".list .body .row");
  if (filter) {
    filter.closest("label").hidden = false;
    filter.addEventListener("input", () => {
      const part = filter.value.trim().toLowerCase();
      for (const row of rows) row.hidden = !row.dataset.name.includes(part);
    });
  }
  const open = () => {
    const goal = /^#table-\d+$/.test(location.hash) && document.getElementById(location.hash.slice(1));
    if (goal) goal.open = true;
  };
  addEventListener("hashchange", open);
  open();
})();
