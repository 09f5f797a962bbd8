// B or the full stop makes the screen of the room black, and brings the slide back; in the presenter view a frame says so.
{
  const key = `black ${location.pathname}`, view = document.body.dataset.bespokeView;
  const cover = document.body.appendChild(document.createElement("div"));
  cover.className = "black";
  cover.style.cssText = view === "presenter"
    ? "position:fixed;inset:0;border:12px solid #d55e00;z-index:99;pointer-events:none"
    : "position:fixed;inset:0;background:#000;z-index:99";
  const draw = () => { cover.hidden = view === "next" || view === "overview" || localStorage.getItem(key) !== "on"; };

  if (!view) localStorage.removeItem(key); // a page that is loaded shows its slide
  addEventListener("keydown", ({ key: letter, ctrlKey, metaKey, altKey }) => {
    if (!["b", "."].includes(letter) || ctrlKey || metaKey || altKey) return;
    if (localStorage.getItem(key) === "on") localStorage.removeItem(key);
    else localStorage.setItem(key, "on");
    draw();
  });
  addEventListener("storage", draw);
  draw();
}
