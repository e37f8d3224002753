// A button with a small picture for each earlier answer. `data.items` has those, `data.opened` the one that is shown.
export default function ({ parentElement, data, setTriggerValue }) {
  const list = parentElement.querySelector("ol")
  list.replaceChildren(...data.items.map((item) => build(item, data.opened, setTriggerValue)))
  list.setAttribute("aria-label", data.label)
}

function build({ key, image, text, name }, opened, setTriggerValue) {
  const button = document.createElement("button")
  button.type = "button"
  button.title = name
  button.setAttribute("aria-pressed", key === opened)
  button.onclick = () => setTriggerValue("clicked", key)
  const picture = document.createElement("img")
  Object.assign(picture, { src: image, alt: "" })
  const label = document.createElement("span")
  label.textContent = text
  button.append(picture, label)
  const item = document.createElement("li")
  item.append(button)
  return item
}
