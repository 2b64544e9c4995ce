import { adapterOf } from '../../base/adapters.js'
import type { Detector } from '../../detect/detector.js'
import type { LayoutFinding } from '../layout.js'
import { having, qdrantPlace } from './qdrant-place.js'
import { marks, type QdrantLayoutName } from './unified-source.js'

/** Finds the layouts that points of a collection have, by the fields of their payloads. */
export const detectQdrant: Detector = async (options, { signal }) => {
  const place = qdrantPlace('detectLayouts', options)
  const { qdrantSource } = await adapterOf('qdrant')
  const names = Object.keys(marks) as QdrantLayoutName[]
  const findings: LayoutFinding[] = []
  for (const layout of names) {
    const source = qdrantSource({ ...place, filter: having(...marks[layout]), vectors: false, payload: false })
    await using session = await source.connect({ signal })
    const count = (await session.count?.({ signal }))?.value ?? 0
    if (count > 0) {
      const fields = marks[layout].join(' and ')
      findings.push({ layout, where: `${count} points with ${fields} in collection "${place.collection}"` })
    }
  }
  return findings
}
