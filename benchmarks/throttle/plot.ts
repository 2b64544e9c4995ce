/** A line of a panel; null breaks it. */
export interface Line {
  readonly name: string
  readonly color: string
  readonly points: readonly (readonly [x: number, y: number | null])[]
}

export interface Panel {
  readonly title: string
  readonly lines: readonly Line[]
  /** Values that the lines are to be seen against. */
  readonly marks?: readonly { readonly name: string; readonly y: number }[]
  /** @default from the lines */
  readonly most?: number
}

/** A stretch of the time axis that all panels share. */
export interface Stretch {
  readonly name: string
  readonly from: number
  readonly to: number
  readonly isShaded: boolean
}

const width = 900
const left = 64
const right = 16
const panelHeight = 150
const gap = 46
const top = 40

/** Panels above each other over one axis of time, in seconds, as an SVG that needs no script and no font. */
export function plot(title: string, stretches: readonly Stretch[], panels: readonly Panel[]): string {
  const end = Math.max(...stretches.map(({ to }) => to))
  const x = (seconds: number) => left + (seconds / end) * (width - left - right)
  const height = top + panels.length * (panelHeight + gap) + 16
  const parts = panels.map((panel, i) => panelSvg(panel, top + i * (panelHeight + gap) + 20, x, stretches))
  const names = stretches.map(({ name, from, to }) => text((x(from) + x(to)) / 2, top + 8, name, 'middle', '#555'))
  const step = niceStep(end / 12)
  const bottom = top + panels.length * (panelHeight + gap) - gap + 20
  const ticks = Array.from({ length: Math.floor(end / step) + 1 }, (_, i) =>
    text(x(i * step), bottom + 18, `${i * step} s`, 'middle', '#555'),
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="${left}" y="20" font-size="15" fill="#222">${escaped(title)}</text>`,
    ...names,
    ...parts,
    ...ticks,
    '</svg>',
    '',
  ].join('\n')
}

function panelSvg(panel: Panel, y0: number, x: (seconds: number) => number, stretches: readonly Stretch[]): string {
  const { title, lines, marks = [] } = panel
  const values = lines.flatMap(({ points }) => points.map(([, y]) => y ?? 0))
  const most = panel.most ?? Math.max(1, ...values, ...marks.map((mark) => mark.y))
  const step = niceStep(most / 4)
  const y = (value: number) => y0 + panelHeight - (Math.min(value, most) / most) * panelHeight
  const shades = stretches
    .filter(({ isShaded }) => isShaded)
    .map(
      ({ from, to }) =>
        `<rect x="${at(x(from))}" y="${y0}" width="${at(x(to) - x(from))}" height="${panelHeight}" fill="#f2f2f2"/>`,
    )
  const grid = Array.from({ length: Math.floor(most / step) + 1 }, (_, i) => {
    const level = y(i * step)
    const line = `<line x1="${left}" x2="${width - right}" y1="${at(level)}" y2="${at(level)}" stroke="#ddd"/>`
    return line + text(left - 6, level + 4, String(Number((i * step).toPrecision(3))), 'end', '#555')
  })
  const against = marks.map(
    (mark) =>
      `<line x1="${left}" x2="${width - right}" y1="${at(y(mark.y))}" y2="${at(y(mark.y))}" stroke="#999" stroke-dasharray="5 4"/>` +
      text(width - right - 4, y(mark.y) - 4, mark.name, 'end', '#777'),
  )
  const drawn = lines.map(({ color, points }) => {
    let isDown = false
    const path = points.map(([seconds, value]) => {
      if (value === null) {
        isDown = false
        return ''
      }
      const move = isDown ? 'L' : 'M'
      isDown = true
      return `${move}${at(x(seconds))} ${at(y(value))}`
    })
    return `<path d="${path.join('')}" fill="none" stroke="${color}" stroke-width="1.4"/>`
  })
  const legend =
    lines.length < 2
      ? ''
      : ` (${lines.map(({ name, color }) => `<tspan fill="${color}">${escaped(name)}</tspan>`).join(', ')})`
  const heading = `<text x="${left}" y="${y0 - 6}" fill="#222">${escaped(title)}${legend}</text>`
  return [...shades, ...grid, ...against, ...drawn, heading].join('\n')
}

function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough))
  return ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power
}

function text(x: number, y: number, value: string, anchor: string, color: string): string {
  return `<text x="${at(x)}" y="${at(y)}" text-anchor="${anchor}" fill="${color}">${escaped(value)}</text>`
}

function at(value: number): string {
  return String(Math.round(value * 10) / 10)
}

function escaped(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
