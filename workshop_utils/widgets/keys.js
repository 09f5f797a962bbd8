// JupyterLab takes letters and arrows that are typed on a control for commands on cells: x would cut the cell.
// The mark that stops this has to be on the element that has the focus.
// A digit presses the button whose text begins with it; a click on the picture is enough to give the panel the focus.
export default {
  render({ el }) {
    el.style.display = "none";
    requestAnimationFrame(() => {
      const panel = el.parentElement;
      if (!panel) return;
      panel.tabIndex = -1;
      panel.style.outline = "none";
      panel.addEventListener("focusin", (event) => event.target.setAttribute("data-lm-suppress-shortcuts", "true"));
      panel.addEventListener("keydown", (event) => {
        if (!/^[0-9]$/.test(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
        if (event.target.matches("input, textarea, select, [contenteditable]")) return;
        const buttons = [...panel.querySelectorAll("button")];
        const pressed = buttons.find((button) => button.textContent.trim().startsWith(`${event.key} `));
        if (!pressed) return;
        pressed.click();
        panel.focus({ preventScroll: true });  // the button that had the focus may be drawn anew, and the next digit would go to the notebook
      });
      panel.addEventListener("click", (event) => {
        if (event.detail && event.target.matches(".widget-toggle-button")) panel.focus({ preventScroll: true });  // by mouse, not by keyboard
      });
    });
  },
};
