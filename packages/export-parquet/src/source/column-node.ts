import type { LogicalType } from '@drover/core'
import type { SchemaElement, SchemaTree } from 'hyparquet'
import { leafType } from './leaf-type.js'

/** A column as it is put together: a leaf, or columns inside of one. Levels are those of Parquet ("Dremel"). */
export type ColumnNode = LeafNode | StructNode | ListNode

interface NodeBase {
  readonly name: string
  readonly type: LogicalType
  readonly nullable: boolean
  /** Entries whose definition level is lower are null here. */
  readonly present: number
  /** Store's own name of the type, where ours says less. */
  readonly native?: string
}

export interface LeafNode extends NodeBase {
  readonly kind: 'leaf'
  /** Place among the column chunks of a row group. */
  readonly index: number
  readonly path: readonly string[]
  readonly element: SchemaElement
  /** Definition level of a value. */
  readonly defined: number
  readonly repeated: number
}

export interface StructNode extends NodeBase {
  readonly kind: 'struct'
  readonly children: readonly ColumnNode[]
}

export interface ListNode extends NodeBase {
  readonly kind: 'list'
  readonly item: ColumnNode
  /** Repetition level of its second and later items. */
  readonly repeats: number
  /** Definition level of a list that has an item. */
  readonly filled: number
}

/** The columns of a file, in its order. @throws `Error` in words for what is no schema */
export function columnsOf(root: SchemaTree): ColumnNode[] {
  const counter = { leaves: 0 }
  const names = new Set<string>()
  return root.children.map((child) => {
    if (names.has(child.element.name)) throw new Error(`it has two columns called "${child.element.name}"`)
    names.add(child.element.name)
    return nodeOf(child, 0, 0, counter)
  })
}

/** All leaves below. */
export function leavesOf(node: ColumnNode): LeafNode[] {
  if (node.kind === 'leaf') return [node]
  return node.kind === 'list' ? leavesOf(node.item) : node.children.flatMap(leavesOf)
}

interface Counter {
  leaves: number
}

function nodeOf(tree: SchemaTree, present: number, repeats: number, counter: Counter): ColumnNode {
  const { element } = tree
  // A repeated field outside of a LIST or MAP is a list that is never null.
  if (element.repetition_type === 'REPEATED') {
    const item = innerNode(tree, present + 1, repeats + 1, counter, false)
    return listNode(element.name, item, false, present, present + 1, repeats + 1)
  }
  const nullable = element.repetition_type === 'OPTIONAL'
  return innerNode(tree, nullable ? present + 1 : present, repeats, counter, nullable)
}

function innerNode(
  tree: SchemaTree,
  present: number,
  repeats: number,
  counter: Counter,
  nullable: boolean,
): ColumnNode {
  const { element, children } = tree
  const { name } = element
  if (element.type !== undefined) {
    const leaf = { index: counter.leaves++, path: tree.path, element, defined: present, repeated: repeats }
    return { kind: 'leaf', name, ...leafType(element), nullable, present, ...leaf }
  }
  if (children.length === 0) throw new Error(`its column "${name}" has neither a type nor columns inside`)
  const [repeated] = children
  if (
    isAnnotated(element, 'LIST', 'MAP') &&
    children.length === 1 &&
    repeated?.element.repetition_type === 'REPEATED'
  ) {
    const item = itemNode(repeated, element, present + 1, repeats + 1, counter)
    return listNode(name, item, nullable, present, present + 1, repeats + 1)
  }
  const inner = children.map((child) => nodeOf(child, present, repeats, counter))
  const fields = inner.map((child) => ({ name: child.name, type: child.type, nullable: child.nullable }))
  return { kind: 'struct', name, type: { kind: 'struct', fields }, nullable, present, children: inner }
}

/**
 * What is repeated in a list is its item, or the only field of it is. A map is a list of pairs: its keys are then kept in order, doubled
 * and of any type.
 * https://github.com/apache/parquet-format/blob/master/LogicalTypes.md#lists
 */
function itemNode(
  repeated: SchemaTree,
  list: SchemaElement,
  present: number,
  repeats: number,
  counter: Counter,
): ColumnNode {
  const { element, children } = repeated
  const [only] = children
  const isItem =
    isAnnotated(list, 'MAP') ||
    children.length !== 1 ||
    only?.element.repetition_type === 'REPEATED' ||
    element.name === 'array' ||
    element.name === `${list.name}_tuple` ||
    isAnnotated(element, 'LIST', 'MAP')
  return isItem || only === undefined
    ? innerNode(repeated, present, repeats, counter, false)
    : nodeOf(only, present, repeats, counter)
}

function listNode(
  name: string,
  item: ColumnNode,
  nullable: boolean,
  present: number,
  filled: number,
  repeats: number,
): ListNode {
  return { kind: 'list', name, type: { kind: 'list', of: item.type }, nullable, present, item, filled, repeats }
}

function isAnnotated({ converted_type, logical_type }: SchemaElement, ...types: ('LIST' | 'MAP')[]): boolean {
  const converted = converted_type === 'MAP_KEY_VALUE' ? 'MAP' : converted_type
  return types.some((type) => converted === type || logical_type?.type === type)
}
