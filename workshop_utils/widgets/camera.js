// A camera picture. The camera is asked for only when the button is pressed; where it is refused, files still work.
export default {
  render({ model, el }) {
    const video = document.createElement("video");
    video.style.cssText = "width: 160px; display: none";
    video.muted = video.playsInline = true;
    const button = document.createElement("button");
    button.className = "jupyter-button widget-button";
    button.style.width = "auto";
    button.textContent = "Start the camera";
    const note = document.createElement("span");
    note.setAttribute("role", "status");
    let stream = null;
    button.addEventListener("click", async () => {
      if (stream) return take();
      try {
        stream = await navigator.mediaDevices.getUserMedia({ video: true });
      } catch (error) {
        note.textContent = ` The camera cannot be used here (${error?.name ?? "no camera"}). Choose files instead.`;
        return;
      }
      video.srcObject = stream;
      video.style.display = "block";
      await video.play();
      button.textContent = "Take a picture";
      note.textContent = "";
    });

    function take() {
      const picture = document.createElement("canvas");
      picture.width = 320;
      picture.height = Math.round(320 * video.videoHeight / video.videoWidth);
      picture.getContext("2d").drawImage(video, 0, 0, picture.width, picture.height);
      model.set("photo", picture.toDataURL("image/jpeg", 0.9));
      model.save_changes();
    }

    el.append(video, button, note);
    return () => stream?.getTracks().forEach((track) => track.stop());
  },
};
