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
