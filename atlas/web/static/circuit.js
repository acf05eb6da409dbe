/* The figure of a circuit: pan, zoom, move its neurons, see what each is joined to. Without it the figure is whole. */

const LEAST = 40 // as in atlas/graphs/routes.py, whose rule an edge follows here too
const TIP = 7
const STEP = 8
const TALLEST = 1400 // px
const NEAREST = 6 // times its natural size
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }

const numbers = (text) => text.trim().split(/[\s,]+/).map(Number)
const placeOf = ({ transform }) => [transform.baseVal[0].matrix.e, transform.baseVal[0].matrix.f]
const pairs = (text) => (text ? text.trim().split(/\s+/).map(numbers) : [])
const clamp = (value, low, high) => Math.min(Math.max(value, low), high)

/** The window through which the figure is seen. */
class View {
  constructor(svg) {
    this.svg = svg
    const { width, height } = svg.viewBox.baseVal
    this.whole = { width, height }
    svg.style.height = `${clamp(height * this.fitting, 300, TALLEST)}px`
    this.open()
  }

  /** The scale at which its width is seen whole. */
  get fitting() {
    return Math.min(this.svg.clientWidth / this.whole.width, 1)
  }

  /** All of its width; on a narrow screen its beginning, as large as it can be read. */
  open() {
    this.look(this.fitting < 0.5 ? 0.7 : this.fitting)
    if (this.fitting < 0.5 || this.svg.clientHeight < this.whole.height * this.scale) [this.x, this.y] = [0, 0]
    this.show()
  }

  fit() {
    this.look(Math.min(this.fitting, this.svg.clientHeight / this.whole.height))
    this.show()
  }

  /** At a scale, the figure in the middle. */
  look(scale) {
    this.scale = scale
    this.x = (this.whole.width - this.svg.clientWidth / scale) / 2
    this.y = (this.whole.height - this.svg.clientHeight / scale) / 2
  }

  show() {
    const box = [this.x, this.y, this.svg.clientWidth / this.scale, this.svg.clientHeight / this.scale]
    if (!box.every(Number.isFinite)) return // it has no size while the page is laid out
    this.svg.setAttribute('viewBox', box.map((value) => value.toFixed(2)).join(' '))
  }

  /** Closer or farther, around a point of the screen. */
  zoom(by, at) {
    const seen = this.svg.getBoundingClientRect()
    const [x, y] = at ? [at[0] - seen.left, at[1] - seen.top] : [seen.width / 2, seen.height / 2]
    const least = Math.min(seen.width / this.whole.width, seen.height / this.whole.height, 1) / 2
    const scale = clamp(this.scale * by, least, NEAREST)
    this.x += x / this.scale - x / scale
    this.y += y / this.scale - y / scale
    this.scale = scale
    this.show()
  }

  /** By so many pixels of the screen. */
  pan(across, down) {
    this.x -= across / this.scale
    this.y -= down / this.scale
    this.show()
  }

  /** Bring into view what has the focus. */
  reveal([x, y]) {
    const { width, height } = this.svg.getBoundingClientRect()
    const inside = x > this.x && y > this.y && x < this.x + width / this.scale && y < this.y + height / this.scale
    if (inside) return
    this.x = x - width / this.scale / 2
    this.y = y - height / this.scale / 2
    this.show()
  }
}

/** The neurons and the edges between them. */
class Graph {
  constructor(svg, side) {
    this.side = side
    this.spots = new Map([...svg.querySelectorAll('.spots > a')].map((one) => [one.dataset.node, one]))
    this.places = new Map([...this.spots].map(([node, one]) => [node, placeOf(one)]))
    const marks = [...svg.querySelectorAll('.marks > g')]
    this.ties = [...svg.querySelectorAll('.ties > path')].map((line, index) => ({
      line,
      mark: marks[index],
      ends: line.dataset.ends.split(' '),
      ports: numbers(line.dataset.ports),
      way: pairs(line.dataset.way),
    }))
  }

  joined(node) {
    return this.ties.filter((tie) => tie.ends.includes(node))
  }

  move(node, [x, y]) {
    this.places.set(node, [x, y])
    this.spots.get(node).setAttribute('transform', `translate(${x.toFixed(1)} ${y.toFixed(1)})`)
    this.joined(node).forEach((tie) => this.draw(tie))
  }

  draw(tie) {
    const [source, target] = tie.ends.map((node) => this.places.get(node))
    const start = [source[0] + this.side / 2 + 1, source[1] + tie.ports[0]]
    const end = [target[0] - this.side / 2 - 2 - TIP, target[1] + tie.ports[1]]
    tie.line.setAttribute('d', route([start, ...tie.way.filter(([x]) => start[0] < x && x < end[0]), end]))
    const at = tie.line.getPointAtLength(tie.line.getTotalLength() * Number(tie.mark.dataset.at))
    tie.mark.setAttribute('transform', `translate(${at.x.toFixed(1)} ${at.y.toFixed(1)})`)
  }

  /** Let stand out what a neuron is joined to; nothing, without one. */
  choose(node) {
    const near = node === undefined ? [] : this.joined(node)
    const lit = new Set([this.spots.get(node), ...near.flatMap(({ line, mark, ends }) => [line, mark, ...ends.map((it) => this.spots.get(it))])])
    const every = [...this.spots.values(), ...this.ties.flatMap(({ line, mark }) => [line, mark])]
    every.forEach((one) => one.classList.toggle('lit', lit.has(one)))
  }

  get saved() {
    const places = [...this.spots].map(([node, one]) => [one.dataset.unit, this.places.get(node).map(Math.round)])
    return JSON.stringify(Object.fromEntries(places))
  }
}

function route(stops) {
  const pieces = stops.slice(1).map(([toX, toY], index) => {
    const [x, y] = stops[index]
    const turned = toX - x < 2 * LEAST ? Math.min(LEAST + Math.abs(toX - x) / 4, 3 * LEAST) : 0
    const reach = Math.max((toX - x) / 2, turned)
    return `C${x + reach},${y} ${toX - reach},${toY} ${toX},${toY}`
  })
  return `M${stops[0].join(',')}${pieces.join('')}`
}

/** What a person does to the figure. */
class Circuit {
  constructor(figure) {
    figure.classList.add('live')
    figure.querySelector('.tools').hidden = false
    this.figure = figure
    this.svg = figure.querySelector('svg')
    this.view = new View(this.svg)
    this.graph = new Graph(this.svg, Number(figure.dataset.drawn))
    this.served = new Map(this.graph.places)
    this.pointers = new Map()
    this.listen()
  }

  listen() {
    const ground = this.figure.querySelector('.graph')
    const on = (kind, react, options) => ground.addEventListener(kind, react, options)
    on('pointerdown', (event) => this.press(event))
    on('pointermove', (event) => this.drag(event))
    for (const kind of ['pointerup', 'pointercancel']) on(kind, (event) => this.release(event))
    on('click', (event) => this.dragged && event.preventDefault(), true)
    on('dragstart', (event) => event.preventDefault())
    on('wheel', (event) => this.wheel(event, ground), { passive: false })
    on('keydown', (event) => this.key(event))
    on('pointerover', (event) => this.choose(nodeOf(event.target)))
    on('pointerleave', () => this.choose(nodeOf(document.activeElement)))
    on('focusin', (event) => this.focus(nodeOf(event.target)))
    on('focusout', () => this.choose())
    this.figure.querySelector('.tools').addEventListener('click', (event) => this.tool(event.target.dataset.zoom))
    window.addEventListener('resize', () => this.view.show())
  }

  tool(name) {
    if (name === 'in') this.view.zoom(1.25)
    if (name === 'out') this.view.zoom(0.8)
    if (name === 'whole') this.view.fit()
    if (name === 'back') this.back()
  }

  back() {
    for (const [node, at] of this.served) this.graph.move(node, at)
    this.view.fit()
    this.tell('Every neuron is back where it was.')
  }

  choose(node) {
    if (this.moving) return
    this.svg.classList.toggle('choosing', node !== undefined)
    this.graph.choose(node)
  }

  focus(node) {
    this.choose(node)
    if (node !== undefined && !this.pointers.size) this.view.reveal(this.graph.places.get(node))
  }

  press(event) {
    if (event.button) return
    this.pointers.set(event.pointerId, [event.clientX, event.clientY])
    this.dragged = false
    this.moving = this.pointers.size === 1 ? nodeOf(event.target) : undefined
  }

  drag(event) {
    const before = this.pointers.get(event.pointerId)
    if (!before) return
    const now = [event.clientX, event.clientY]
    const [across, down] = [now[0] - before[0], now[1] - before[1]]
    if (!this.dragged && Math.hypot(across, down) < 4) return
    if (!this.dragged) event.currentTarget.setPointerCapture(event.pointerId)
    this.dragged = true
    if (this.pointers.size === 2) this.pinch(event.pointerId, before, now)
    else if (this.moving !== undefined) this.shift(this.moving, across / this.view.scale, down / this.view.scale)
    else this.view.pan(across, down)
    this.pointers.set(event.pointerId, now)
  }

  pinch(id, before, now) {
    const [, other] = [...this.pointers].find(([one]) => one !== id)
    const apart = (at) => Math.hypot(at[0] - other[0], at[1] - other[1]) || 1
    this.view.zoom(apart(now) / apart(before), [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2])
  }

  release(event) {
    this.pointers.delete(event.pointerId)
    if (this.moving !== undefined && this.dragged) this.said(this.moving)
    this.moving = undefined
  }

  wheel(event, ground) {
    if (!event.ctrlKey && !event.metaKey && !ground.contains(document.activeElement)) return // the page's own
    event.preventDefault()
    this.view.zoom(Math.exp(-clamp(event.deltaY, -60, 60) / 240), [event.clientX, event.clientY])
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return
    const node = nodeOf(event.target)
    const zoom = { '+': 'in', '=': 'in', '-': 'out', 0: 'whole' }[event.key]
    if (zoom) this.tool(zoom)
    else if (!(event.key in MOVES)) return
    else this.step(node, ...MOVES[event.key].map((by) => by * STEP * (event.shiftKey ? 5 : 1)))
    event.preventDefault()
    event.stopPropagation()
  }

  step(node, across, down) {
    if (node === undefined) return this.view.pan(-5 * across, -5 * down)
    this.shift(node, across, down)
    this.view.reveal(this.graph.places.get(node))
    this.said(node)
  }

  shift(node, across, down) {
    const [x, y] = this.graph.places.get(node)
    this.graph.move(node, [x + across, y + down])
    const kept = this.figure.querySelector('input[name="places"]')
    if (kept) kept.value = this.graph.saved
  }

  said(node) {
    const [x, y] = this.graph.places.get(node).map(Math.round)
    const how = this.figure.querySelector('.arrange') ? ' Not saved yet.' : ''
    this.tell(`${this.graph.spots.get(node).dataset.unit} is at ${x}, ${y} now.${how}`)
  }

  tell(text) {
    this.figure.querySelector('.moves').textContent = text
  }
}

const nodeOf = (element) => element?.closest?.('.spots > a')?.dataset.node

for (const figure of document.querySelectorAll('figure.circuit')) new Circuit(figure)
