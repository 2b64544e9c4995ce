import { register } from 'node:module'

// `--import` this one in front of tsx, and a program of TypeScript finds our packages where child-packages.ts made them: it is told
// apart from its dependencies, which then need not be loaded source by source.
const packages = new URL('../packages/', import.meta.url)
const hook = `export const resolve = (name, context, next) => {
  const [, member] = /^@drover\\/([^/]+)$/.exec(name) ?? []
  const url = ${JSON.stringify(packages.href)} + member + '/node_modules/.drover-children/package/index.js'
  return member === undefined ? next(name, context) : { url, format: 'module', shortCircuit: true }
}`
register(`data:text/javascript,${encodeURIComponent(hook)}`)
