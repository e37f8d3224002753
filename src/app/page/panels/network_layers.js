// What network_view.js draws: the layers, where their values lie, and in which colours. Both are one script.

// The layers as they are drawn: a ReLU belongs to the layer before it, and weights of pixels are pictures of their own.
function makeStages({ layers, order, normalisation }) {
  const stages = []
  for (const layer of layers) {
    const source = stages.at(-1)
    const { shape, values } = layer.output
    if (layer.kind === "relu") {
      Object.assign(source, { values, raw: source.values, isCut: true, largest: brightest(values) })
      continue
    }
    const [count, rows = 1, columns = 1] = shape.length === 3 ? shape : [1, 1, shape[0]]
    const stage = { count, rows, columns, values, raw: values, source, largest: brightest(values), window: layer.window }
    Object.assign(stage, { weights: layer.weights?.values, bias: layer.bias, scaleOfWeights: { largest: largestOf(layer.weights?.values ?? [1]) } })
    stage.kind = { normalise: "input", convolution: "convolution", max_pool: "pool" }[layer.kind] ?? "units"
    stage.toInk = (value) => normalisation.mean + normalisation.std * value // of the input: what the first layer undid
    stage.title = stage.kind === "input" && order ? "scrambledInput" : stage.kind
    stage.explain = { input: () => ({}), units: (index) => explainUnit(stage, index) }[stage.kind] ?? ((index) => explainWindow(stage, index))
    if (stage.kind === "units") stage.count = shape[0]
    if (stage.kind === "units" && source.kind === "input") stages.push(...makeWeightStages(stage, source, order))
    stages.push(stage)
  }
  Object.assign(stages.at(-1), { kind: "outputs", title: "outputs" })
  return stages
}

function makeWeightStages(target, source, order) {
  const size = source.rows * source.columns
  const inverse = []
  order?.forEach((place, index) => { inverse[place] = index })
  const make = (title, values, pixels) => {
    const stage = {
      kind: "weights", title, count: target.values.length, rows: source.rows, columns: source.columns, values, raw: values, pixels, target, largest: brightest(values),
    }
    const place = (index) => (title === "weights" ? index % size : inverse[index % size])
    stage.explain = (index) => ({ source, places: new Set([place(index)]) })
    return stage
  }
  const stages = [make("weights", target.weights, source.values)]
  if (order) {
    const put = (values) => values.map((_, index) => values[index - (index % size) + inverse[index % size]])
    stages.push(make("restored", put(target.weights), put(source.values)))
  }
  return stages
}

function explainWindow({ kind, source, window, ...stage }, index) {
  const [map, row, column] = split(stage, index)
  return { source, box: { row: row * window.stride[0], column: column * window.stride[1], height: window.size[0], width: window.size[1], map: kind === "pool" ? map : null } }
}

function explainUnit(stage, index) {
  const { source, weights } = stage
  const size = source.values.length
  return { source, shares: source.values.map((value, k) => value * weights[index * size + k]) }
}

function splitMaps(inputs, weights, { rows, columns }) {
  const size = rows * columns
  return Array.from({ length: inputs.length / size }, (_, map) =>
    ({ inputs: inputs.slice(map * size, (map + 1) * size), weights: weights.slice(map * size, (map + 1) * size) }))
}

// how large the values are drawn, and in how many columns the maps stand
function fit(stage, width) {
  const { count, rows, columns } = stage
  const isRow = rows === 1
  const inRow = isRow ? Math.min(columns, columns > 25 ? 25 : columns) : columns
  const most = { input: 5, convolution: 5, pool: 6, weights: 3, units: 24, outputs: 31 }[stage.kind]
  const across = isRow ? 1 : count === 1 ? 1 : count > 3 && columns > 12 ? 3 : Math.min(count, 6)
  const scale = Math.floor(Math.min(most, (width - (across - 1) * GAP) / (across * inRow)))
  Object.assign(stage, { across, inRow, scale: Math.max(1, scale) })
}

function size({ count, rows, columns, across, inRow, scale }) {
  const isRow = rows === 1
  const lines = isRow ? Math.ceil(columns / inRow) : Math.ceil(count / across)
  const height = isRow ? scale : rows * scale
  return [across * inRow * scale + (across - 1) * GAP, lines * height + (isRow ? 0 : (lines - 1) * GAP)]
}

// the corner of a value in CSS pixels
function locate(stage, index) {
  const { rows, columns, across, inRow, scale } = stage
  if (rows === 1) return [(index % inRow) * scale, Math.floor(index / inRow) * scale]
  const [map, row, column] = split(stage, index)
  return [(map % across) * (columns * scale + GAP) + column * scale, Math.floor(map / across) * (rows * scale + GAP) + row * scale]
}

function findValue(stage, { offsetX: x, offsetY: y }) {
  const { count, rows, columns, across, inRow, scale } = stage
  if (rows === 1) {
    const index = Math.floor(y / scale) * inRow + Math.floor(x / scale)
    return x < inRow * scale && index < columns ? index : -1
  }
  const [wide, high] = [columns * scale + GAP, rows * scale + GAP]
  const map = Math.floor(y / high) * across + Math.floor(x / wide)
  const [column, row] = [Math.floor((x % wide) / scale), Math.floor((y % high) / scale)]
  return x >= 0 && y >= 0 && map < count && row < rows && column < columns ? (map * rows + row) * columns + column : -1
}

function moveBy(stage, index, key) {
  const down = stage.rows === 1 ? stage.inRow : stage.columns
  const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: down, ArrowUp: -down, PageDown: stage.rows * stage.columns, PageUp: -stage.rows * stage.columns }
  if (key === "Home") return 0
  if (key === "End") return stage.values.length - 1
  if (!(key in steps)) return null
  const next = index + steps[key]
  return next >= 0 && next < stage.values.length ? next : index
}

function paint(stage, marks, selected) {
  const { canvas, values, largest, scale } = stage
  const [width, height] = size(stage)
  const ratio = Math.max(1, Math.ceil(devicePixelRatio))
  Object.assign(canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) })
  Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` })
  const context = canvas.getContext("2d")
  context.scale(ratio, ratio)
  const inset = stage.rows === 1 && scale > 6 ? 1 : 0
  const strongestShare = marks?.shares ? largestOf(marks.shares) : 1
  values.forEach((value, index) => {
    const [x, y] = locate(stage, index)
    context.fillStyle = stage.kind === "input" ? grey(stage.toInk(value)) : colour(value / largest)
    context.fillRect(x, y, scale - inset, scale - inset)
    const share = marks?.shares ? marks.shares[index] / strongestShare : marks?.places?.has(index) ? 1 : 0
    if (Math.abs(share) > 0.05) outline(context, x, y, scale - inset, scale - inset, share > 0 ? "#ff8c1a" : "#4da3ff", 0.5 + 2 * Math.abs(share))
  })
  if (marks?.box) {
    const { row, column, height: rows, width: columns, map } = marks.box
    for (let from = map ?? 0; from < (map === null ? stage.count : map + 1); from++) {
      const [x, y] = locate(stage, (from * stage.rows + row) * stage.columns + column)
      outline(context, x, y, columns * scale, rows * scale, "#ffd54a", 2)
    }
  }
  if (selected !== null) {
    const [x, y] = locate(stage, selected)
    outline(context, x - 1, y - 1, scale - inset + 2, scale - inset + 2, "#ffd54a", 2)
  }
}

function outline(context, x, y, width, height, style, line) {
  Object.assign(context, { strokeStyle: style, lineWidth: line })
  context.strokeRect(x + line / 2, y + line / 2, width - line, height - line)
}

// zero is black, what is above it orange, what is below it blue
function colour(share) {
  const strength = Math.min(1, Math.abs(share)) ** 0.75
  const [red, green, blue] = (share < 0 ? [77, 163, 255] : [255, 140, 26]).map((part) => Math.round(part * strength))
  return `rgb(${red}, ${green}, ${blue})`
}

function grey(ink) {
  const level = Math.round(255 * Math.min(1, Math.max(0, ink)))
  return `rgb(${level}, ${level}, ${level})`
}

function split({ rows, columns }, index) {
  return [Math.floor(index / (rows * columns)), Math.floor(index / columns) % rows, index % columns]
}

function build(tag, properties) { return Object.assign(document.createElement(tag), properties) }
function total(values) { return values.reduce((sum, value) => sum + value, 0) }
function dot(inputs, weights) { return total(inputs.map((value, k) => value * weights[k])) }
function strongest(values) { return values.indexOf(values.reduce((best, value) => Math.max(best, value), -Infinity)) }

// the value that is drawn brightest: of many, a few may be far larger than the rest
function brightest(values) {
  return values.map(Math.abs).sort((a, b) => a - b)[Math.ceil(0.99 * (values.length - 1))] || 1
}
function largestOf(values) { return values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-9) }
