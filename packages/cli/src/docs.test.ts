import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { commandNames } from './command-line.js'
import { documentShape } from './document/document-shape.js'
import { parseYaml } from './file/yaml-file.js'
import { checkPipelineFile } from './pipeline-file.js'
import { pipelineShape } from './pipeline-shape.js'
import { transformerTypes } from './transformers.js'

const page = readFileSync(path.resolve(import.meta.dirname, '../../../docs/cli.md'), 'utf8')
const readme = readFileSync(path.resolve(import.meta.dirname, '../README.md'), 'utf8')
const files = [...`${page}${readme}`.matchAll(/^```yaml\n([\s\S]*?)^```/gm)]
  .map((match) => match[1] ?? '')
  .filter((text) => /^[a-z_]+:/m.test(text))

test.each(files.map((text, i) => [i + 1, text] as const))('file %i of the pages is right', (_, text) => {
  const { given, problems } = parseYaml('docs.yaml', text, { DATABASE_URL: 'postgres://db/x' })
  expect(() => checkPipelineFile('docs.yaml', given, problems)).not.toThrow()
})

test('the page names every command, part of a file and transformer', () => {
  expect(files).toHaveLength(5)
  const names = [pipelineShape, documentShape].flatMap(({ fields }) => Object.keys(fields))
  for (const name of [...commandNames(), ...names, ...Object.keys(transformerTypes)])
    expect(page, name).toMatch(new RegExp(`\`(?:drover )?(?:[a-z]+\`, \`)*${name}\\b|\`${name}\`|^${name}:`, 'm'))
})
