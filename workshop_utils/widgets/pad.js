// A square to draw on with mouse, pen, finger or arrow keys. After each stroke the drawing goes to Python as a PNG in base64 text.
const SIDE = 280, STROKE = 22;

export default {
  render({ model, el }) {
    const pad = document.createElement("canvas");
    pad.width = pad.height = SIDE;
    pad.style.cssText = "border: 2px solid #888; touch-action: none; cursor: crosshair; display: block";
    pad.setAttribute("role", "img");
    pad.setAttribute("aria-label", "Drawing pad. Arrow keys move the pen, and draw while Shift is held. Or choose a sample, shift and turn it.");
    const paper = document.createElement("div"), ask = document.createElement("span");
    paper.style.cssText = `position: relative; width: ${SIDE + 4}px`;
    ask.style.cssText = "position: absolute; inset: 0; display: grid; place-items: center; color: #bbb; font: 20px sans-serif; pointer-events: none";
    ask.textContent = "draw here";  // beside the canvas, so that nobody classifies it
    paper.append(pad, ask);
    const ink = pad.getContext("2d");
    const clear = () => { ink.fillStyle = "black"; ink.fillRect(0, 0, SIDE, SIDE); ask.style.display = "grid"; };
    const send = () => {
      model.set("drawing", pad.toDataURL("image/png"));
      model.set("strokes", model.get("strokes") + 1);
      model.save_changes();
    };
    clear();

    const place = (event) => {
      const box = pad.getBoundingClientRect();
      return [(event.clientX - box.left) * SIDE / box.width, (event.clientY - box.top) * SIDE / box.height];
    };
    let last = null;
    pad.addEventListener("pointerdown", (event) => { ask.style.display = "none"; pad.setPointerCapture(event.pointerId); last = place(event); line(last); });
    pad.addEventListener("pointermove", (event) => { if (last) line(place(event)); });
    for (const end of ["pointerup", "pointercancel"]) pad.addEventListener(end, () => { if (last) { last = null; send(); } });

    function line(to) {
      Object.assign(ink, { strokeStyle: "white", lineWidth: STROKE, lineCap: "round", lineJoin: "round" });
      ink.beginPath();
      ink.moveTo(...last);
      ink.lineTo(...to);
      ink.stroke();
      last = to;
    }

    const pen = document.createElement("span"), keys = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    let at = [SIDE / 2, SIDE / 2];
    pen.style.cssText = `position: absolute; width: ${STROKE}px; height: ${STROKE}px; border: 2px solid #E69F00; border-radius: 50%; pointer-events: none`;
    pen.hidden = true;
    pad.tabIndex = 0;
    paper.append(pen);
    pad.addEventListener("keydown", (event) => {
      if (!keys[event.key]) return;
      event.preventDefault();
      last = at;
      at = at.map((value, axis) => Math.min(SIDE, Math.max(0, value + 10 * keys[event.key][axis])));
      if (event.shiftKey) { ask.style.display = "none"; line(at); } else last = null;
      pen.hidden = false;
      [pen.style.left, pen.style.top] = at.map((value) => `${value - STROKE / 2}px`);
    });
    pad.addEventListener("keyup", (event) => { if (event.key === "Shift" && last) { last = null; send(); } });
    pad.addEventListener("blur", () => { pen.hidden = true; });

    const button = document.createElement("button");
    button.textContent = "Clear the pad";
    button.className = "jupyter-button widget-button";
    button.addEventListener("click", () => { clear(); send(); });
    el.append(paper, button);
  },
};
