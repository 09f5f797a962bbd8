// Keeps the slides of the route that the address names (?route=short, half or day; the day where it names none) and numbers them anew; minutes and exercises are those of the route. Runs before the deck starts.
{
  const routes = { short: "90 minutes", half: "half a day", day: "a day" };
  const route = new URLSearchParams(location.search).get("route") ?? "day";
  if (!(route in routes)) {
    document.body.textContent = `No route is called '${route}'. There are: ${Object.keys(routes).join(", ")}.`;
    throw new Error(document.body.textContent);
  }
  const slides = [...document.querySelectorAll("svg[data-routes]")];
  const kept = slides.filter((slide) => slide.dataset.routes.split(" ").includes(route));
  for (const note of document.querySelectorAll(".bespoke-marp-note")) {
    const place = kept.indexOf(slides[note.dataset.index]);
    if (place < 0) note.remove();
    else note.dataset.index = place;
  }
  for (const slide of slides) if (!kept.includes(slide)) slide.remove();
  for (const [place, slide] of kept.entries()) {
    const section = slide.querySelector("section");
    section.id = place + 1;
    section.dataset.marpitPagination = place + 1;
    section.dataset.marpitPaginationTotal = kept.length;
  }
  for (const timer of document.querySelectorAll(`.timer[data-${route}]`)) {
    timer.dataset.minutes = timer.dataset[route];
    if (timer.dataset.minutes === "0") timer.remove();
  }
  for (const task of document.querySelectorAll("[data-on]"))
    if (!task.dataset.on.split(" ").includes(route)) task.remove();
  for (const tasks of document.querySelectorAll(".tasks")) if (!tasks.children.length) tasks.remove();
  for (const link of document.querySelectorAll(".routes a"))
    if (link.getAttribute("href") === `?route=${route}`) link.setAttribute("aria-current", "page");
}
