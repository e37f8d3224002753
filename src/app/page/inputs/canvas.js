// The buttons Undo, Redo and Clear, the keys that press them, and what the canvas itself leaves out.
//
// The canvas component has a toolbar of its own. It shows only under a mouse, its pencil ends drawing without a word,
// and it would be in the tab order a second time: so it is hidden, and pressed from here. Through Python, "Clear" would
// wait behind a slow answer and then erase what was drawn meanwhile.

const UPDATE = "Update the app with this drawing"
const UNFINISHED_MS = 600 // after a stroke another may follow; until then page.css holds back that this is no digit
const AFTER_TOUCH_MS = 450 // for nearly as long after a touch the canvas ignores the mouse

const hidden = new CSSStyleSheet()
hidden.replaceSync(".dc-toolbar { display: none !important; }")

const findCanvas = () => document.querySelector(".st-key-canvas [data-testid=stBidiComponentIsolated]")?.shadowRoot
const findSheet = () => findCanvas()?.querySelector("canvas.upper-canvas")
const findButton = (title) => findCanvas()?.querySelector(`button[title="${title}"]:enabled`)

// Streamlit calls this again when `data` changes, and the function that it returns only at the end.
export default function ({ parentElement, data }) {
  const buttons = parentElement.querySelector(".strokes") // stays, so it also keeps the state
  buttons.listeners?.abort()
  buttons.listeners = new AbortController()
  const { signal } = buttons.listeners
  const begin = () => {
    if (signal.aborted) return
    const root = findCanvas()
    if (!root) {
      requestAnimationFrame(begin)
      return
    }
    root.adoptedStyleSheets = [...new Set([...root.adoptedStyleSheets, hidden])]
    root.drawing ??= new Drawing() // stays while the page is shown in another language
    addActions(buttons, root.drawing, signal)
    followPen(root.drawing, signal)
    sendResized(root.drawing, data.width, signal)
  }
  begin()
  return () => buttons.listeners.abort()
}

/** Press a button of the hidden toolbar, and return whether it was enabled. */
function press(title) {
  const button = findButton(title)
  button?.click()
  return Boolean(button)
}

/** What was done on the canvas, in order: strokes, each a list of points in the canvas's pixels, and "clear". */
class Drawing {
  done = []
  undone = []
  pen = null // the points of the stroke that is being drawn
  touched = -AFTER_TOUCH_MS // when a finger was last lifted

  add(action) {
    this.done.push(action)
    this.undone = []
  }

  clear() {
    if (!this.done.length || this.done.at(-1) === "clear") return
    press("Reset canvas & history")
    this.add("clear")
  }

  async undo() {
    const action = this.done.pop()
    if (!action) return
    this.undone.push(action)
    if (action !== "clear") press("Undo")
    else await this.retrace(this.done.slice(this.done.lastIndexOf("clear") + 1)) // the toolbar forgot them
  }

  async redo() {
    const action = this.undone.pop()
    if (!action) return
    this.done.push(action)
    if (action === "clear") press("Reset canvas & history")
    else if (!press("Redo")) await this.retrace([action])
  }

  async retrace(strokes) {
    await pause(Math.max(0, this.touched + AFTER_TOUCH_MS - performance.now()))
    await retrace(strokes)
  }
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms))

/** Draw strokes again, as if with the mouse. */
async function retrace(strokes) {
  const sheet = findSheet()
  if (!sheet) return
  const { left, top, width } = sheet.getBoundingClientRect()
  const scale = width / sheet.width
  for (const points of strokes) {
    const send = (target, kind, { x, y }) => {
      const place = { clientX: left + x * scale, clientY: top + y * scale }
      target.dispatchEvent(new MouseEvent(kind, { ...place, button: 0, buttons: 1, bubbles: true, composed: true }))
    }
    send(sheet, "mousedown", points[0])
    for (const point of points) send(document, "mousemove", point)
    send(document, "mouseup", points.at(-1))
    await pause(0) // lets the canvas note the stroke as one that can be undone
  }
  press(UPDATE)
}

function addActions(buttons, drawing, signal) {
  let last = Promise.resolve()
  const act = (action) => {
    last = last.then(() => drawing[action]()).then(() => pause(0)) // the canvas loads a drawing before the next
  }
  for (const button of buttons.querySelectorAll("button")) button.onclick = () => act(button.dataset.action)
  const useKey = (event) => {
    const action = findShortcut(event)
    const isTyped = event.composedPath()[0].matches?.("input:not([type=radio], [type=checkbox]), textarea")
    if (!action || isTyped || !buttons.checkVisibility()) return
    event.preventDefault()
    act(action)
  }
  addEventListener("keydown", useKey, { signal })
}

function findShortcut({ key, ctrlKey, metaKey, shiftKey, altKey }) {
  if (altKey) return undefined
  if (!ctrlKey && !metaKey) return key === "Delete" ? "clear" : undefined
  return { z: shiftKey ? "redo" : "undo", y: "redo" }[key.toLowerCase()]
}

// Sends a drawing at the end of a stroke: by itself the canvas waits 200 ms.
function followPen(drawing, signal) {
  const add = (event) => {
    const { clientX, clientY } = event.changedTouches?.[0] ?? event
    const sheet = findSheet()
    const { left, top, width } = sheet.getBoundingClientRect()
    const scale = sheet.width / width
    drawing.pen.push({ x: (clientX - left) * scale, y: (clientY - top) * scale })
  }
  const begin = (event) => {
    if (!event.isTrusted || event.button || event.composedPath()[0] !== findSheet()) return
    clearTimeout(drawing.timer)
    document.body.dataset.pen = "down"
    drawing.pen = []
    add(event)
  }
  const move = (event) => {
    if (drawing.pen && event.isTrusted) add(event)
  }
  const end = (event) => {
    if (!drawing.pen || !event.isTrusted || event.touches?.length) return
    drawing.add(drawing.pen)
    drawing.pen = null
    if (event.touches) drawing.touched = performance.now()
    press(UPDATE)
    drawing.timer = setTimeout(() => delete document.body.dataset.pen, UNFINISHED_MS)
  }
  for (const kind of ["mousedown", "touchstart"]) addEventListener(kind, begin, { signal, capture: true })
  for (const kind of ["mousemove", "touchmove"]) addEventListener(kind, move, { signal, capture: true, passive: true })
  // On the window, which is reached after the document, where the canvas listens: it has the stroke by then.
  for (const kind of ["mouseup", "touchend", "touchcancel"]) addEventListener(kind, end, { signal })
}

// A drawing on paper that is widened or narrowed is another picture: it is sent once the canvas has the new width.
function sendResized(drawing, width, signal) {
  const sendOnceResized = () => {
    if (signal.aborted) return
    if (findSheet()?.width === width) press(UPDATE)
    else requestAnimationFrame(sendOnceResized)
  }
  if ((drawing.width ?? width) !== width) sendOnceResized()
  drawing.width = width
}
