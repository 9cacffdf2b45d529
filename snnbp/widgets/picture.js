// An image with a text for those who cannot see it. The old image stays until the new one is decoded.
function render({ model, el }) {
  const image = document.createElement("img");
  image.style.cssText = "display: block; width: 100%; height: auto";
  const show = () => {
    const old = image.src;
    image.src = URL.createObjectURL(new Blob([model.get("png")], { type: "image/png" }));
    if (old) URL.revokeObjectURL(old);
  };
  const describe = () => { image.alt = model.get("alt"); };
  model.on("change:png", show);
  model.on("change:alt", describe);
  show();
  describe();
  el.append(image);
}
export default { render };
