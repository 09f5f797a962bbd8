// Countdowns: a click starts and stops one; T does so with the first on the slide, 1 to 9 with that of an exercise, R sets all of the slide back. At zero a timer flashes and counts
// over. Windows of the same deck (presenter view) follow through localStorage, and a page that is loaded again goes on; a deck that is opened anew begins with full timers.
{
  const deck = `timer ${location.pathname}${new URLSearchParams(location.search).get("route") ?? "day"}`;
  if (!sessionStorage.getItem(deck) && !document.body.dataset.bespokeView)
    for (const key of Object.keys(localStorage)) if (key.startsWith(deck)) localStorage.removeItem(key);
  sessionStorage.setItem(deck, "open");

  for (const timer of document.querySelectorAll(".timer")) {
    const slide = timer.closest("svg"), place = [...slide.querySelectorAll(".timer")].indexOf(timer);
    const key = `${deck} ${slide.querySelector("section").id} ${place}`, whole = 60_000 * timer.dataset.minutes;
    const back = place === 0 && slide.querySelector(".back");
    const state = () => JSON.parse(localStorage.getItem(key)) ?? { left: whole };
    const left = ({ end, left }) => end ? end - Date.now() : left;
    const keep = (next) => { localStorage.setItem(key, JSON.stringify(next)); draw(); };
    const draw = () => {
      const now = state(), seconds = Math.ceil(left(now) / 1000), shown = Math.abs(seconds);
      timer.textContent = `${seconds < 0 ? "+" : ""}${Math.floor(shown / 60)}:${String(shown % 60).padStart(2, "0")}`;
      timer.classList.toggle("running", Boolean(now.end) && seconds > 0);
      timer.classList.toggle("over", seconds <= 0);
    };
    const returning = () => { // the minute of return: from when the timer runs, else as if it started now
      if (back) back.textContent = `Back at ${new Date(Date.now() + left(state())).toTimeString().slice(0, 5)}`;
    };
    const toggle = () => { const now = state(); keep(now.end ? { left: left(now) } : { left: left(now), end: Date.now() + left(now) }); };
    const active = () => slide.classList.contains("bespoke-marp-active");

    timer.addEventListener("click", (event) => { event.stopPropagation(); toggle(); });
    addEventListener("keydown", ({ key: letter, ctrlKey, metaKey, altKey }) => {
      if (!active() || ctrlKey || metaKey || altKey) return;
      if (letter === (place ? String(place) : "t")) toggle();
      if (letter === "r") keep({ left: whole });
    });
    addEventListener("storage", draw);
    setInterval(() => { if (active()) { draw(); returning(); } }, 250);
    draw();
  }
}
