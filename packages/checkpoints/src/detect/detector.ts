import type { Operation } from '@drover/core'
import type { LayoutFinding, LayoutOptions } from '../layouts/layout.js'

/**
 * Looks at a store for what it knows. Layouts that share keys or tables are told apart by what lies there, and what is there but not as
 * this version knows it is a finding with a `problem`.
 */
export type Detector = (options: LayoutOptions, operation: Operation) => Promise<readonly LayoutFinding[]>
