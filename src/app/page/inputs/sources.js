// What the browser knows and Streamlit keeps to itself: pasted files, files that the uploader has refused, cameras.

const FILE = ".st-key-file"
const REFUSED = `${FILE} [data-testid=stFileChip][aria-invalid=true]`

// Streamlit calls this again on every change, and the function that it returns only at the end.
export default function ({ parentElement, setStateValue }) {
  const marker = parentElement.querySelector("span") // stays, so it also keeps what was reported
  marker.listeners?.abort()
  marker.listeners = new AbortController()
  const { signal } = marker.listeners
  const report = (name, value) => {
    marker.reported ??= { refused: "[]", camera: "true" } // as the page assumes
    const text = JSON.stringify(value)
    if (signal.aborted || marker.reported[name] === text) return
    marker.reported[name] = text
    setStateValue(name, value)
  }
  addEventListener("paste", paste, { signal })
  watchFiles(report, signal)
  watchCameras(report, signal)
  return () => marker.listeners.abort()
}

// The uploader ignores the clipboard. This puts pasted files into its input, as if they had been chosen there.
function paste(event) {
  const { files } = event.clipboardData
  const input = document.querySelector(`${FILE} input[type=file]`)
  if (!input || ![...files].some((file) => file.type.startsWith("image/"))) return
  input.files = files
  input.dispatchEvent(new Event("change", { bubbles: true }))
  document.querySelectorAll(".st-key-source [role=radio]")[1].click()
}

// The uploader keeps files that are too large in the browser. Others it passes on: the service says what is wrong.
function watchFiles(report, signal) {
  const upload = document.querySelector(".st-key-upload")
  const look = () => {
    const input = upload.querySelector("input[type=file]")
    if (input && !input.accept) input.accept = "image/*" // what the browser's dialog shows first
    const tooLarge = [...document.querySelectorAll(REFUSED)].filter((chip) => /or smaller/.test(chip.textContent))
    report("refused", tooLarge.map((chip) => chip.querySelector("[data-testid=stFileChipName]").title))
  }
  const observer = new MutationObserver(look)
  observer.observe(upload, { childList: true, subtree: true, attributeFilter: ["aria-invalid"] })
  signal.addEventListener("abort", () => observer.disconnect())
  look()
}

// Without HTTPS, browsers give cameras only to pages of the same machine: then there are no `mediaDevices`.
function watchCameras(report, signal) {
  const cameras = navigator.mediaDevices // missing without HTTPS; Streamlit's camera then puts a part of it there
  const look = async () => {
    const devices = (await cameras?.enumerateDevices?.()) ?? []
    report("camera", devices.some(({ kind }) => kind === "videoinput"))
  }
  cameras?.addEventListener?.("devicechange", look, { signal })
  look()
}
