// A picture that says where it was clicked, as fractions of its width and height from the top left corner.
export default {
  render({ model, el }) {
    const picture = document.createElement("img");
    picture.style.cssText = "max-width: 100%; cursor: crosshair";
    picture.alt = model.get("words");
    const show = () => { picture.src = "data:image/png;base64," + model.get("png"); };
    picture.addEventListener("click", (event) => {
      const box = picture.getBoundingClientRect();
      model.set("where", [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]);
      model.save_changes();
    });
    model.on("change:png", show);
    show();
    el.append(picture);
  },
};
