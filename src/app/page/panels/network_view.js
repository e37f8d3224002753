// A network drawn layer by layer for one picture. Each layer is a canvas: pointing at one of its values, or moving there
// with the arrow keys, shows what the value was computed from. `data` has the layers as the service sends them.
const GAP = 8 // CSS pixels between maps
const MOST_TERMS = 25 // of a sum that is written out at once
const SPOKEN = 5 // units listed for and against another
const views = new WeakMap() // what was drawn last, by component

export default function ({ parentElement, data }) {
  const root = parentElement.querySelector(".network")
  const view = views.get(root)
  if (view?.data.key === data.key) return
  const next = new View(root, data, view?.place)
  views.set(root, next)
  if (view?.hasFocus()) next.focus()
  view?.stop()
  return () => {}
}

class View {
  constructor(root, data, place) {
    this.root = root
    this.data = data
    this.number = new Intl.NumberFormat(data.language, { minimumFractionDigits: 2, maximumFractionDigits: 2 })
    this.short = new Intl.NumberFormat(data.language, { minimumFractionDigits: 1, maximumFractionDigits: 1 })
    this.stages = makeStages(data)
    this.detail = build("div", { className: "detail" })
    this.detail.style.gridRow = `1 / span ${this.stages.length}`
    const list = build("div", { className: "stages" })
    list.append(...this.stages.map((stage) => this.buildStage(stage)), this.detail)
    root.replaceChildren(list)
    const last = this.stages.length - 1
    const start = place?.stage <= last ? place : { stage: last, index: strongest(this.stages[last].values) }
    this.place = { stage: start.stage, index: Math.min(start.index, this.stages[start.stage].values.length - 1) }
    this.observer = new ResizeObserver(() => this.lay())
    this.observer.observe(root)
    this.lay()
  }

  hasFocus() { return this.stages.some((stage) => stage.canvas === stage.canvas.getRootNode().activeElement) }
  focus() { this.stages[this.place.stage].canvas.focus({ preventScroll: true }) }
  stop() { this.observer.disconnect() }
  text(name, values = {}) { return this.data.texts[name].replace(/\{(\w+)\}/g, (_, key) => values[key]) }
  show(value, format = this.number) { return format.format(value).replace("-", "−").replace(/^−(0[.,]0+)$/, "$1") }

  buildStage(stage) {
    const { count, rows, columns } = stage
    const title = this.text(stage.title, { count, rows, columns })
    const canvas = build("canvas", { tabIndex: 0 })
    const attributes = { role: "slider", "aria-label": title, "aria-valuemin": 0, "aria-valuemax": stage.values.length - 1 }
    for (const [name, value] of Object.entries(attributes)) canvas.setAttribute(name, value)
    const number = this.stages.indexOf(stage)
    const point = (event) => {
      const index = findValue(stage, event)
      if (index >= 0) this.select(number, index)
    }
    canvas.onpointermove = canvas.onpointerdown = point
    canvas.onkeydown = (event) => {
      const index = moveBy(stage, this.place.stage === number ? this.place.index : 0, event.key)
      if (index === null) return
      event.preventDefault()
      this.select(number, index)
    }
    canvas.onfocus = () => { if (this.place.stage !== number) this.select(number, strongest(stage.values)) }
    stage.canvas = canvas
    const section = build("section", {})
    section.append(build("h3", { textContent: title }), canvas)
    if (stage.kind === "outputs") section.append(this.buildDigits(stage))
    return (stage.section = section)
  }

  buildDigits(stage) {
    const row = build("div", { className: "digits", ariaHidden: "true" })
    for (const [digit, value] of stage.values.entries()) {
      const item = build("span", { textContent: digit })
      item.append(build("small", { textContent: this.show(value, this.short) }))
      row.append(item)
    }
    return row
  }

  lay() {
    const width = this.root.clientWidth
    const narrow = width < 560
    this.root.classList.toggle("narrow", narrow)
    for (const stage of this.stages) fit(stage, narrow ? width : 312)
    this.draw()
  }

  select(stage, index) {
    if (this.place.stage === stage && this.place.index === index) return
    this.place = { stage, index }
    this.draw()
  }

  draw() {
    const { stage, index } = this.place
    const chosen = this.stages[stage]
    const marks = chosen.explain(index)
    this.stages.forEach((other, number) => {
      paint(other, marks.source === other ? marks : null, number === stage ? index : null)
      const current = number === stage ? index : strongest(other.values)
      other.canvas.setAttribute("aria-valuenow", current)
      other.canvas.setAttribute("aria-valuetext", `${this.name(other, current)}: ${this.show(other.values[current])}`)
    })
    const below = this.root.classList.contains("narrow") ? chosen.section : this.stages.at(-1).section
    if (below.nextSibling !== this.detail) below.after(this.detail)
    this.detail.replaceChildren(build("h4", { textContent: this.name(chosen, index) }), ...this.describe(chosen, index))
  }

  name(stage, index) {
    if (stage.kind === "outputs") return this.text("output", { unit: index })
    if (stage.kind === "units") return this.text("unit", { unit: index + 1 })
    const [map, row, column] = split(stage, index)
    const name = stage.kind === "input" ? "pixel" : stage.kind === "weights" ? "weight" : "place"
    return this.text(name, { map: map + 1, row: row + 1, column: column + 1 })
  }

  describe(stage, index) {
    const describers = { input: "describeInput", convolution: "describeConvolution", pool: "describePool" }
    return this[describers[stage.kind] ?? (stage.kind === "weights" ? "describeWeight" : "describeUnit")](stage, index)
  }

  describeInput(stage, index) {
    const value = stage.values[index]
    const { mean, std } = this.data.normalisation
    const sum = `(${this.show(stage.toInk(value))} − ${mean}) / ${std} = ${this.show(value)}`
    return [this.paragraph("inputText"), this.sum(sum)]
  }

  describeConvolution(stage, index) {
    const { source, window } = stage
    const [map, row, column] = split(stage, index)
    const [height, width] = window.size
    const size = height * width
    const parts = Array.from({ length: source.count }, (_, from) => {
      const inputs = Array.from({ length: size }, (_, k) =>
        source.values[(from * source.rows + row + Math.floor(k / width)) * source.columns + column + (k % width)])
      const start = (map * source.count + from) * size
      return { inputs, weights: stage.weights.slice(start, start + size) }
    })
    const isSingle = parts.length === 1
    const grids = build("div", { className: isSingle ? "grids" : "grids many" })
    for (const [from, { inputs, weights }] of parts.entries()) {
      const pair = build("div", { className: "pair" })
      pair.append(this.grid(inputs, width, source, isSingle), build("span", { textContent: "×" }),
        this.grid(weights, width, stage.scaleOfWeights, isSingle),
        ...(isSingle ? [] : [build("span", { textContent: `= ${this.show(dot(inputs, weights))}`, className: "part" })]))
      pair.title = isSingle ? "" : this.text("map", { map: from + 1 })
      grids.append(pair)
    }
    const text = this.paragraph(isSingle ? "convolutionText" : "convolutionsText", { count: parts.length, map: map + 1 })
    return [text, grids, ...this.writeSum(parts, stage.bias[map], stage.raw[index], stage.isCut)]
  }

  describePool(stage, index) {
    const { source, window } = stage
    const [map, row, column] = split(stage, index)
    const [height, width] = window.size
    const inputs = Array.from({ length: height * width }, (_, k) =>
      source.values[(map * source.rows + row * window.stride[0] + Math.floor(k / width)) * source.columns
        + column * window.stride[1] + (k % width)])
    const largest = this.show(Math.max(...inputs))
    const sum = `max(${inputs.map((value) => this.show(value)).join("; ")}) = ${largest}`
    const grids = build("div", { className: "grids" })
    grids.append(this.grid(inputs, width, source, true))
    const isCut = stage.values[index] === 0 && Math.max(...inputs) < 0
    return [this.paragraph("poolText"), grids, this.sum(sum + (isCut ? ` → ${this.show(0)}` : ""))]
  }

  describeWeight(stage, index) {
    const [unit] = split(stage, index)
    const pixel = stage.pixels[index % (stage.rows * stage.columns)]
    const target = stage.target
    const size = stage.rows * stage.columns
    const inputs = stage.pixels
    const weights = stage.values.slice(unit * size, (unit + 1) * size)
    const sum = `${this.show(pixel)} × ${this.show(stage.values[index])} = ${this.show(pixel * stage.values[index])}`
    const total = [this.paragraph("weightText", { unit: unit + 1, count: size }), this.sum(sum)]
    return [...total, ...this.writeSum([{ inputs, weights }], target.bias[unit], target.raw[unit], target.isCut)]
  }

  describeUnit(stage, index) {
    const { source } = stage
    const size = source.values.length
    const inputs = source.values
    const weights = stage.weights.slice(index * size, (index + 1) * size)
    const parts = source.rows > 1 && source.count < size ? splitMaps(inputs, weights, source) : [{ inputs, weights }]
    const bias = stage.bias[index]
    const sums = this.writeSum(parts, bias, stage.raw[index], stage.isCut)
    if (source.kind === "input") return [this.paragraph("weightsText", { count: size }), ...sums]
    if (parts.length > 1) return [this.paragraph("mapsText", { count: size }), this.bars(parts.map(({ inputs, weights }, map) =>
      ({ name: this.text("map", { map: map + 1 }), value: dot(inputs, weights) }))), ...sums]
    const terms = inputs.map((value, unit) => ({ value: value * weights[unit], name: this.text("unit", { unit: unit + 1 }),
      product: `${this.show(value)} × ${this.show(weights[unit])}` }))
    return [this.paragraph(stage.kind === "outputs" ? "outputText" : "unitText"), ...this.sides(terms), ...sums]
  }

  // the units that speak for another and those that speak against it
  sides(terms) {
    const sides = [["for", terms.filter(({ value }) => value > 0)], ["against", terms.filter(({ value }) => value < 0)]]
    return sides.flatMap(([side, all]) => {
      const sorted = all.toSorted((a, b) => Math.abs(b.value) - Math.abs(a.value))
      const rest = sorted.slice(SPOKEN)
      const items = sorted.slice(0, SPOKEN)
      if (rest.length) items.push({ name: this.text("others", { count: rest.length }), value: total(rest.map(({ value }) => value)) })
      const heading = build("h5", { textContent: this.text(side, { sum: this.show(total(all.map(({ value }) => value))) }) })
      return [heading, this.bars(items, largestOf(terms.map(({ value }) => value)))]
    })
  }

  bars(items, largest = largestOf(items.map(({ value }) => value))) {
    const list = build("ul", { className: "bars" })
    for (const { name, product = "", value } of items) {
      const item = build("li", { className: value < 0 ? "against" : "for" })
      item.style.setProperty("--share", Math.min(1, Math.abs(value) / largest))
      item.append(build("b", { textContent: name }), build("small", { textContent: product }), build("i", {}),
        build("span", { textContent: this.show(value) }))
      list.append(item)
    }
    return list
  }

  // A sum of products with its bias: at once if it is short, else by parts, with all of its terms on request.
  writeSum(parts, bias, result, isCut = false) {
    const products = parts.flatMap(({ inputs, weights }) => inputs.map((value, k) => `${this.bracket(value)}\u00a0×\u00a0${this.bracket(weights[k])}`))
    const end = `${this.text("bias")} ${this.show(bias)} = ${this.show(result)}${isCut && result < 0 ? ` → ${this.show(0)}` : ""}`
    const all = `${products.join(" + ")} + ${end}`
    if (products.length <= MOST_TERMS) return [this.sum(all)]
    const short = `${parts.map(({ inputs, weights }) => this.bracket(dot(inputs, weights))).join(" + ")} + ${end}`
    const details = build("details", {})
    details.append(build("summary", { textContent: this.text("all", { count: products.length }) }), this.sum(all))
    return [this.sum(short), details]
  }

  bracket(value) { return value < 0 ? `(${this.show(value)})` : this.show(value) }
  paragraph(name, values) { return build("p", { textContent: this.text(name, values) }) }
  sum(text) { return build("p", { className: "sum", textContent: text }) }

  grid(values, columns, scale, hasNumbers) {
    const grid = build("div", { className: hasNumbers ? "grid numbers" : "grid" })
    grid.style.setProperty("--columns", columns)
    grid.append(...values.map((value) => {
      const cell = build("span", { textContent: hasNumbers ? this.show(value) : "" })
      const share = value / scale.largest
      cell.style.background = scale.kind === "input" ? grey(scale.toInk(value)) : colour(share)
      const isBright = scale.kind === "input" ? scale.toInk(value) > 0.5 : Math.abs(share) > 0.65
      cell.style.color = isBright ? "#000" : "#fff"
      return cell
    }))
    return grid
  }
}

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
