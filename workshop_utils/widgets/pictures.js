// Photographs for Python, from files and from the camera, which is asked for only when its button is pressed. They are shrunk here:
// a server takes 10 MiB in one message, so what a phone takes would not get through. Where all this is refused, the core control works.
const SIDE = 448, LETTERS = 4e6, LARGEST = 6e6, SECONDS = 60; // of the shorter side; a message; a file sent as it is; the camera without a picture

export default {
  render({ model, el }) {
    const element = (tag, properties) => Object.assign(document.createElement(tag), properties);
    const button = (label) => {
      const made = element("button", { className: "jupyter-button widget-button", textContent: label });
      made.style.width = "auto";
      return made;
    };
    const chosen = element("input", { type: "file", multiple: true, accept: "image/*,.heic,.heif,.tif,.tiff", hidden: true });
    const choose = button("Choose pictures"), camera = button("Start the camera"), stop = button("Stop the camera");
    const video = element("video", { muted: true, playsInline: true }), note = element("span");
    note.setAttribute("role", "note");
    video.style.width = "160px";
    const shown = (part, yes) => { part.style.display = yes ? "" : "none"; };
    shown(stop, false);
    shown(video, false);
    let stream = null, timer = 0;

    function shrunk(source, width, height) {
      const scale = Math.min(1, SIDE / Math.min(width, height));
      const canvas = element("canvas", { width: Math.round(width * scale), height: Math.round(height * scale) }), pen = canvas.getContext("2d");
      pen.fillStyle = "white"; // behind what is transparent
      pen.fillRect(0, 0, canvas.width, canvas.height);
      pen.imageSmoothingQuality = "high";
      pen.drawImage(source, 0, 0, canvas.width, canvas.height);
      return canvas.toDataURL("image/jpeg", 0.92);
    }

    async function read(file) { // as text, or why not
      try {
        const bitmap = await createImageBitmap(file); // upright
        return shrunk(bitmap, bitmap.width, bitmap.height);
      } catch { // not every browser reads HEIC and TIFF
        if (file.size > LARGEST) return `has ${(file.size / 1e6).toFixed(1)} MB and cannot be shrunk by this browser: save it as JPEG`;
        return new Promise((done) => {
          const reader = new FileReader();
          reader.onload = () => done(reader.result);
          reader.onerror = () => done("cannot be opened");
          reader.readAsDataURL(file);
        });
      }
    }

    function send(photos) { // resolves when Python has taken them
      return new Promise((done) => {
        const emptied = () => {
          if (Object.keys(model.get("photos")).length) return;
          model.off("change:photos", emptied);
          done();
        };
        model.set("photos", photos);
        model.on("change:photos", emptied);
        model.save_changes();
      });
    }

    choose.addEventListener("click", () => chosen.click());
    chosen.addEventListener("change", async () => {
      const files = [...chosen.files];
      chosen.value = ""; // the same file again is a change again
      choose.disabled = true;
      let start = 0, part = [], letters = 0;
      for (const [place, file] of files.entries()) {
        note.textContent = ` Reading ${place + 1} of ${files.length}`;
        part.push([file.name, await read(file)]);
        letters += part.at(-1)[1].length;
        if (letters < LETTERS && place + 1 < files.length) continue;
        await send({ start, of: files.length, files: part });
        [start, part, letters] = [place + 1, [], 0];
      }
      note.textContent = "";
      choose.disabled = false;
    });

    function end() {
      clearTimeout(timer);
      stream?.getTracks().forEach((track) => track.stop());
      stream = null;
      for (const part of [video, stop]) shown(part, false);
      camera.textContent = "Start the camera";
    }

    function wait() {
      clearTimeout(timer);
      timer = setTimeout(() => { end(); note.textContent = ` The camera was stopped after ${SECONDS} seconds without a picture.`; }, 1000 * SECONDS);
    }

    camera.addEventListener("click", async () => {
      note.textContent = "";
      if (stream) {
        wait();
        return send({ start: 0, of: 1, files: [["photo.jpg", shrunk(video, video.videoWidth, video.videoHeight)]] });
      }
      try {
        stream = await navigator.mediaDevices.getUserMedia({ video: true });
      } catch (error) {
        note.textContent = ` The camera cannot be used here (${error?.name ?? "no camera"}). Choose files instead.`;
        return;
      }
      video.srcObject = stream;
      for (const part of [video, stop]) shown(part, true);
      await video.play();
      camera.textContent = "Take a picture";
      wait();
    });
    stop.addEventListener("click", end);

    el.append(choose, chosen, camera, stop, note, video);
    return end;
  },
};
