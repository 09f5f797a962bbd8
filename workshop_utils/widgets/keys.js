// JupyterLab takes letters and arrows that are typed on a dropdown or a slider for commands on cells: x would cut the cell.
// The mark that stops this has to be on the element that has the focus.
export default {
  render({ el }) {
    el.style.display = "none";
    requestAnimationFrame(() => el.parentElement?.addEventListener("focusin",
      (event) => event.target.setAttribute("data-lm-suppress-shortcuts", "true")));
  },
};
