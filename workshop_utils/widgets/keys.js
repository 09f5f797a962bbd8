// JupyterLab takes letters, digits and arrows for commands on cells: x cuts one, 1 makes a heading. A panel keeps what is meant
// for it: everything typed on its controls (the mark that stops JupyterLab has to be on the element that has the focus), letters
// and digits while the mouse is over it, and, as long as it is in sight, each digit with which the text of a button begins.
export default {
  render({ el }) {
    el.style.display = "none";
    el.innerHTML = "<style>.panel-with-keys:focus-visible, .panel-with-keys :focus-visible { outline: 3px solid #D55E00 !important; outline-offset: -2px; }" +
      ".panel-with-keys.jupyter-widgets-disconnected::after { content: 'This panel has no kernel any more: run the setup cell, then this section from its top.'; font: 15px sans-serif; }</style>";
    let panel = null;
    requestAnimationFrame(() => {
      panel = el.parentElement;
      if (!panel) return;
      panel.tabIndex = -1;
      panel.classList.add("panel-with-keys");
      panel.addEventListener("focusin", (event) => event.target.setAttribute("data-lm-suppress-shortcuts", "true"));
      panel.addEventListener("click", (event) => {
        if (event.detail && event.target.matches(".widget-toggle-button")) panel.focus({ preventScroll: true });  // by mouse, not by keyboard
      });
    });
    function typed(event) {
      if (!/^[^ ]$/.test(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
      const [target] = event.composedPath(), focused = event.target.closest?.(".panel-with-keys");  // [0]: the field in a web component
      if (!(panel?.closest(".jp-Notebook") ?? panel)?.contains(event.target) || (focused && focused !== panel) || target.isContentEditable || target.closest("input, textarea, select")) return;
      const digit = event.key.match(/^[0-9]$/)?.[0] ?? event.code.match(/^(?:Digit|Numpad)([0-9])$/)?.[1];  // the key of 1 is & on AZERTY and ١ in Arabic
      const box = panel.getBoundingClientRect();
      const inSight = box.height > 0 && box.bottom > 0 && box.top < window.innerHeight;
      const pressed = inSight && digit && [...panel.querySelectorAll("button")].find((button) => button.textContent.trim().startsWith(`${digit} `));
      if (!pressed && !panel.matches(":hover") && !panel.contains(event.target)) return;
      event.stopImmediatePropagation();  // we hear of it first, from the window on its way down
      if (!pressed) return;
      pressed.click();
      panel.focus({ preventScroll: true });  // the button that had the focus may be drawn anew, and the next digit would go to the notebook
    }
    window.addEventListener("keydown", typed, true);
    return () => window.removeEventListener("keydown", typed, true);
  },
};
