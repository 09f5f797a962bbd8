// Countdowns: T or a click starts and stops the one on the slide, R sets it back. Windows of the same deck (presenter view) follow through localStorage.
for (const [place, timer] of document.querySelectorAll(".timer").entries()) {
  const key = `timer-${place}`, whole = 60_000 * timer.dataset.minutes;
  const state = () => JSON.parse(localStorage.getItem(key)) ?? { left: whole };
  const left = ({ end, left }) => Math.max(0, end ? end - Date.now() : left);
  const keep = (next) => { localStorage.setItem(key, JSON.stringify(next)); draw(); };
  const draw = () => {
    const seconds = Math.ceil(left(state()) / 1000);
    timer.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    timer.classList.toggle("running", Boolean(state().end) && seconds > 0);
    timer.classList.toggle("over", seconds === 0);
  };
  const toggle = () => { const now = state(); keep(now.end ? { left: left(now) } : { left: left(now), end: Date.now() + left(now) }); };
  const shown = () => timer.closest("svg")?.classList.contains("bespoke-marp-active");

  if (!document.body.dataset.bespokeView) localStorage.removeItem(key); // a deck that is opened anew begins with full timers
  timer.addEventListener("click", (event) => { event.stopPropagation(); toggle(); });
  addEventListener("keydown", ({ key: letter, ctrlKey, metaKey }) => {
    if (!shown() || ctrlKey || metaKey) return;
    if (letter === "t") toggle();
    if (letter === "r") keep({ left: whole });
  });
  addEventListener("storage", draw);
  setInterval(() => shown() && draw(), 250);
  draw();
}
