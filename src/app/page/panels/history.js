// A button with a small picture for each earlier answer. `data.items` has those, `data.opened` the one that is shown.
export default function ({ parentElement, data, setTriggerValue }) {
  const list = parentElement.querySelector("ol")
  list.setAttribute("aria-label", data.label)
  const former = new Map([...list.children].map((item) => [item.dataset.key, item]))
  const keys = new Set(data.items.map(({ key }) => key))
  for (const [key, item] of former) if (!keys.has(key)) item.remove()
  // Answers that are shown already stay where they are: an element that is taken out and put back loses the focus
  data.items.forEach((answer, index) => {
    const item = former.get(answer.key) ?? build(answer.key)
    if (list.children[index] !== item) list.insertBefore(item, list.children[index] ?? null)
    item.firstChild.onclick = () => setTriggerValue("clicked", answer.key)
    update(item.firstChild, answer, data.opened)
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
