// What a person sees that can be filled in or pressed: each gets a mark, so that it can be found again.
(() => {
  const shown = (e) => {
    const box = e.getBoundingClientRect(), style = getComputedStyle(e);
    return box.width > 1 && box.height > 1 && style.visibility !== "hidden" && style.display !== "none" &&
      style.pointerEvents !== "none" && !e.closest("[aria-hidden=true],[inert]");
  };
  const words = (e) => (e ? (e.innerText || e.textContent || "").replace(/\s+/g, " ").trim() : "");
  const label = (e) => {
    const named = (e.getAttribute("aria-labelledby") || "").split(/\s+/).map((id) => words(id && document.getElementById(id)));
    const own = [...(e.labels || [])].map(words);
    const before = e.previousElementSibling && e.previousElementSibling.matches("label,span,p,div[dir=auto]") ? [words(e.previousElementSibling)] : [];
    let around = [];
    if (!own.join("") && !named.join("") && !before.join("")) {
      let parent = e.parentElement;
      for (let up = 0; up < 3 && parent && !around.length; up++, parent = parent.parentElement) {
        const near = parent.querySelector("label");
        if (parent.querySelectorAll("input,select,textarea").length > 1) break;
        if (near) around = [words(near)];
        const above = parent.previousElementSibling;
        if (!near && above && !above.querySelector("input,select,textarea,button")) around = [words(above).slice(0, 60)].filter(Boolean);
      }
    }
    return [...own, ...named, ...before, ...around, e.getAttribute("aria-label"), e.placeholder, e.title].filter(Boolean).join(" ");
  };
  window.__mark = window.__mark || 0;
  const mark = (e) => e.dataset.walk || (e.dataset.walk = String(++window.__mark));
  const group = (e) => { const f = e.closest("form") || e.closest("[role=dialog]"); return f ? mark(f) : ""; };
  const fields = [...document.querySelectorAll("input,select,textarea,button[role=combobox],button[role=checkbox],[role=switch]")]
    .filter((e) => !e.disabled && !e.readOnly && !e.closest("footer") && (shown(e) || (["radio", "checkbox"].includes(e.type) && e.labels && [...e.labels].some(shown))))
    .map((e) => ({
      mark: mark(e), group: group(e), tag: e.tagName.toLowerCase(), role: e.getAttribute("role") || "",
      type: (e.getAttribute("type") || "").toLowerCase(), name: e.name || e.id || "", label: label(e).slice(0, 160),
      autocomplete: e.getAttribute("autocomplete") || "", required: e.required, value: e.value || "",
      checked: e.checked === true || e.getAttribute("aria-checked") === "true", max: e.maxLength || -1,
      min: e.getAttribute("min") || "", mode: e.getAttribute("inputmode") || "",
      options: e.tagName === "SELECT" ? [...e.options].filter((o) => o.value && !o.disabled).map((o) => o.value).slice(0, 5) : [],
    }));
  const buttons = [...document.querySelectorAll("a,button,[role=button],[role=tab],[role=menuitem],input[type=submit],summary,[onclick],[class*=cursor-pointer],[tabindex='0'],li")]
    .filter((e) => shown(e) && (!e.matches("[tabindex='0'],li") || e.matches("a,button,[role=button],[role=tab],[role=menuitem]") ||
      (getComputedStyle(e).cursor === "pointer" && !e.querySelector("a,button,[tabindex='0']") && words(e).length < 160)) && e.getAttribute("role") !== "combobox" && e.getAttribute("role") !== "checkbox")
    .map((e) => ({
      mark: mark(e), group: group(e), tag: e.tagName.toLowerCase(), role: e.getAttribute("role") || "",
      type: e.getAttribute("type") || (e.tagName === "BUTTON" ? e.type : ""),
      text: (words(e) || e.value || e.getAttribute("aria-label") || e.title ||
             (e.querySelector("svg") || {getAttribute: () => ""}).getAttribute("class") || "").slice(0, 120),
      href: e.href || "", popup: !!e.getAttribute("aria-haspopup"), disabled: !!e.disabled,
      selected: e.getAttribute("aria-selected") === "true" || e.getAttribute("data-state") === "active",
      menu: !!e.closest("nav,aside,header,[role=navigation],[role=menu],[role=tablist],[data-sidebar]"),
      small: words(e).length <= 3, dialog: !!e.closest("[role=dialog],[role=alertdialog]"),
    }));
  const seen = (document.body.innerText || "").replace(/\s+/g, " ").trim();
  return { fields, buttons, text: seen.slice(0, 4000), path: location.pathname + location.search + location.hash };
})()
