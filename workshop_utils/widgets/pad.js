// A square to draw on with mouse, pen or finger. After each stroke the drawing goes to Python as a PNG in base64 text.
const SIDE = 280, STROKE = 22;

export default {
  render({ model, el }) {
    const pad = document.createElement("canvas");
    pad.width = pad.height = SIDE;
    pad.style.cssText = "border: 2px solid #888; touch-action: none; cursor: crosshair; display: block";
    pad.setAttribute("role", "img");
    pad.setAttribute("aria-label", "Drawing pad. Without a mouse: choose a sample below, shift and turn it.");
    const ink = pad.getContext("2d");
    const clear = () => { ink.fillStyle = "black"; ink.fillRect(0, 0, SIDE, SIDE); };
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
    pad.addEventListener("pointerdown", (event) => { pad.setPointerCapture(event.pointerId); last = place(event); line(last); });
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

    const button = document.createElement("button");
    button.textContent = "Clear the pad";
    button.className = "jupyter-button widget-button";
    button.addEventListener("click", () => { clear(); send(); });
    el.append(pad, button);
  },
};
