// A button with a small picture for each earlier answer. `data.items` has those, `data.opened` the one that is shown.
export default function ({ parentElement, data, setTriggerValue }) {
  const list = parentElement.querySelector("ol")
  list.setAttribute("aria-label", data.label)
  const former = new Map([...list.children].map((item) => [item.dataset.key, item]))
  const items = data.items.map(({ key }) => former.get(key) ?? build(key))
  // An item that is taken out of the page loses the keyboard's focus, and a click that has begun on it
  for (const item of former.values()) if (!items.includes(item)) item.remove()
  items.forEach((item, index) => {
    if (list.children[index] !== item) list.insertBefore(item, list.children[index] ?? null)
    update(item.firstChild, data.items[index], data.opened)
    item.firstChild.onclick = () => setTriggerValue("clicked", item.dataset.key)
  })
}

function build(key) {
  const button = document.createElement("button")
  button.type = "button"
  const picture = document.createElement("img")
  picture.alt = ""
  button.append(picture, document.createElement("span"))
  const item = document.createElement("li")
  item.dataset.key = key
  item.append(button)
  return item
}

function update(button, { key, image, text, name }, opened) {
  const [picture, label] = button.children
  button.title = name
  button.setAttribute("aria-pressed", key === opened)
  if (picture.src !== image) picture.src = image
  label.textContent = text
}
