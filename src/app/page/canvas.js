// The buttons Undo, Redo and Clear, the keys that press them, and what the canvas itself leaves out.
//
// The canvas component has a toolbar of its own. It shows only under a mouse, its pencil ends drawing without a word,
// and it would be in the tab order a second time: so it is hidden, and pressed from here. Through Python, "Clear" would
// wait behind a slow answer and then erase what was drawn meanwhile.

const UPDATE = "Update the app with this drawing"
const MAX_UNDO = 100 // strokes: the canvas remembers no more
const UNFINISHED_MS = 600 // after a stroke another may follow; until then page.css holds back that this is no digit

const hidden = new CSSStyleSheet()
hidden.replaceSync(".dc-toolbar { display: none !important; }")

const findCanvas = () => document.querySelector(".st-key-canvas [data-testid=stBidiComponentIsolated]")?.shadowRoot
const findSheet = () => findCanvas()?.querySelector("canvas.upper-canvas")

// Streamlit calls this again when `data` changes, and the function that it returns only at the end.
export default function ({ parentElement, data }) {
  const strokes = parentElement.querySelector(".strokes") // stays, so it also keeps the state
  strokes.listeners?.abort()
  strokes.listeners = new AbortController()
  const { signal } = strokes.listeners
  hideToolbar(signal)
  addButtons(strokes, signal)
  sendResized(strokes, data.width, signal)
  sendFinished(strokes, signal)
  return () => strokes.listeners.abort()
}

function hideToolbar(signal) {
  if (signal.aborted) return
  const root = findCanvas()
  if (!root) requestAnimationFrame(() => hideToolbar(signal))
  else if (!root.adoptedStyleSheets.includes(hidden)) root.adoptedStyleSheets.push(hidden)
}

/** Press a button of the hidden toolbar, and return whether it was enabled. */
function press(title) {
  const button = findCanvas()?.querySelector(`button[title="${title}"]`)
  if (!button || button.disabled) return false
  button.click()
  return true
}

function pressAll(title, limit) {
  let pressed = 0
  while (pressed < limit && press(title)) pressed += 1
  return pressed
}

function addButtons(strokes, signal) {
  // The toolbar's "Reset" forgets the strokes. "Clear" undoes them all, so that "Undo" can bring them back until
  // something else is drawn. `cleared` is how many these were, `behind` how many were undone since they came back.
  const clear = () => {
    const count = pressAll("Undo", MAX_UNDO)
    if (count === MAX_UNDO) press("Reset canvas & history")
    if (count) Object.assign(strokes, { isCleared: count < MAX_UNDO, cleared: count % MAX_UNDO, behind: 0 })
  }
  const undo = () => {
    if (strokes.isCleared) {
      pressAll("Redo", strokes.cleared)
      strokes.isCleared = false
    } else if (press("Undo")) strokes.behind += 1
  }
  const redo = () => {
    if (strokes.isCleared) return
    if (strokes.cleared && strokes.behind === 0) clear()
    else if (press("Redo")) strokes.behind -= 1
  }
  const actions = { undo, redo, clear }
  for (const button of strokes.querySelectorAll("button")) button.onclick = actions[button.dataset.action]
  const useKey = (event) => {
    const action = findShortcut(event)
    const isTyped = event.composedPath()[0].matches?.("input:not([type=radio], [type=checkbox]), textarea")
    if (!action || isTyped || !strokes.checkVisibility()) return
    event.preventDefault()
    actions[action]()
  }
  addEventListener("keydown", useKey, { signal })
}

function findShortcut({ key, ctrlKey, metaKey, shiftKey, altKey }) {
  if (altKey) return undefined
  if (!ctrlKey && !metaKey) return key === "Delete" ? "clear" : undefined
  return { z: shiftKey ? "redo" : "undo", y: "redo" }[key.toLowerCase()]
}

// A drawing on paper that is widened or narrowed is another picture: it is sent once the canvas has the new width.
function sendResized(strokes, width, signal) {
  const sendOnceResized = () => {
    if (signal.aborted) return
    if (findSheet()?.width === width) press(UPDATE)
    else requestAnimationFrame(sendOnceResized)
  }
  if (Number(strokes.dataset.width ?? width) !== width) sendOnceResized()
  strokes.dataset.width = width
}

// By itself the canvas waits 200 ms before it sends a drawing.
function sendFinished(strokes, signal) {
  const begin = (event) => {
    strokes.isDrawing = event.composedPath()[0] === findSheet()
    if (!strokes.isDrawing) return
    clearTimeout(strokes.timer)
    document.body.dataset.pen = "down"
  }
  const end = (event) => {
    if (!strokes.isDrawing || event.touches?.length) return
    Object.assign(strokes, { isDrawing: false, isCleared: false, cleared: 0 })
    press(UPDATE)
    strokes.timer = setTimeout(() => delete document.body.dataset.pen, UNFINISHED_MS)
  }
  for (const kind of ["mousedown", "touchstart"]) addEventListener(kind, begin, { signal, capture: true })
  // On the window, which is reached after the document, where the canvas listens: it has the stroke by then.
  for (const kind of ["mouseup", "touchend", "touchcancel"]) addEventListener(kind, end, { signal })
}
