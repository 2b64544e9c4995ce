// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of files
import { describe, expect, test } from 'vitest'
import { parseYaml } from './file/yaml-file.js'
import { checkPipelineFile, type PipelineParts, readPipelineFile } from './pipeline-file.js'
import { useFolder } from './testing/test-folder.js'

const folder = useFolder()

function parts(text: string, env: NodeJS.ProcessEnv = {}): PipelineParts {
  const { given, problems } = parseYaml('p.yaml', text, env)
  return checkPipelineFile('p.yaml', given, problems).parts
}

/** The message that refuses it. */
function refusal(text: string, env: NodeJS.ProcessEnv = {}): string {
  try {
    parts(text, env)
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('It was taken.')
}

const whole = `name: copy
source: { type: sqlite, filename: a.db, table: t }
sink: { type: ndjson, path: out.ndjson }
`

test('gives the values as they are', () => {
  const text = `${whole}
filter: { and: [{ id: { gt: 9007199254740993, in: [1, -2] } }, { role: { ne: debug, isNull: false } }] }
transform:
  - type: rename
    fields: { a: b, __proto__: c }
  - module: ./steps.ts#shorten
    options: { length: 10, deep: [null, 1.5, { x: yes }] }
batchSize: 500
deadLetters: letters
backfills: [./backfill_a.ts, { module: ./backfill_b.ts, batchSize: 2 }]
`
  const { filter, transform, batchSize, backfills, source } = parts(text)
  expect(source).toEqual({ type: 'sqlite', filename: 'a.db', table: 't' })
  expect(filter).toEqual({
    and: [{ id: { gt: 9007199254740993n, in: [1, -2] } }, { role: { ne: 'debug', isNull: false } }],
  })
  const renamed = transform?.[0]?.fields as object
  expect(Object.entries(renamed)).toEqual([
    ['a', 'b'],
    ['__proto__', 'c'],
  ])
  expect(transform?.[1]).toEqual({
    module: './steps.ts#shorten',
    options: { length: 10, deep: [null, 1.5, { x: 'yes' }] },
  })
  expect([batchSize, backfills]).toEqual([500, ['./backfill_a.ts', { module: './backfill_b.ts', batchSize: 2 }]])
})

test('takes an empty text where it means something', () => {
  const { source } = parts('name: all\nsource: { type: redis, keyPrefix: "" }\nsink: { type: ndjson, path: x }\n')
  expect(source).toEqual({ type: 'redis', keyPrefix: '' })
  expect(refusal(whole.replace('a.db', '""'))).toContain('filename is a text that is not empty')
})

test('<< brings in what another object holds, behind what is written out', () => {
  const text = `name: copy
source: &chat { type: sqlite, filename: a.db, table: t }
sink: { filename: b.db, <<: [*chat, { table: other, onConflict: update }] }
`
  expect(parts(text).sink).toEqual({ type: 'sqlite', filename: 'b.db', table: 't', onConflict: 'update' })
})

test('line ends of Windows are line ends', () => {
  expect(parts(whole.replaceAll('\n', '\r\n'))).toEqual(parts(whole))
})

describe('names that do not exist are refused with the nearest one and the place', () => {
  test.each([
    [
      'an option of the run',
      `${whole}batchsize: 5`,
      'p.yaml:4:1: the file has no "batchsize"; did you mean "batchSize"?',
    ],
    [
      'a store',
      whole.replace('sqlite', 'sqllite'),
      'p.yaml:2:17: there is no source of type "sqllite"; did you mean "sqlite"?',
    ],
    [
      'a store without that role',
      whole.replace('ndjson', 'directory'),
      'p.yaml:3:15: there is no sink of type "directory"',
    ],
    [
      'an option of a store',
      whole.replace('table', 'tabel'),
      'p.yaml:2:41: source has no "tabel"; did you mean "table"?',
    ],
    [
      'a transformer',
      `${whole}transform:\n  - type: normalizeTimestamps\n    fields: [a]`,
      'p.yaml:5:11: there is no transformer of type "normalizeTimestamps"; did you mean "normalize-timestamps"?',
    ],
    [
      'an option of a transformer',
      `${whole}transform:\n  - type: mask\n    fields: [a]\n    kep: 1`,
      'p.yaml:7:5: transform[0] has no "kep"; did you mean "keep"?',
    ],
    [
      'an operator',
      `${whole}filter:\n  role: { neq: debug }`,
      'p.yaml:5:11: filter.role: there is no operator "neq"; did you mean "eq" or "ne"',
    ],
    ['a choice', `${whole}again: ful`, 'p.yaml:4:8: there is no again "ful"; did you mean "full"?'],
    [
      'a state store',
      `${whole}state: { type: mongo }`,
      'p.yaml:4:16: there is no state store of type "mongo". There are: sqlite, postgres, redis, directory, memory.',
    ],
  ])('%s', (_, text, expected) => {
    expect(refusal(text)).toContain(expected)
  })
})

describe('values of another kind are refused with the place', () => {
  test.each([
    ['batchSize: many', 'p.yaml:4:12: batchSize is a whole number of at least 1, not "many"'],
    ['batchSize: 0', 'batchSize is a whole number of at least 1, not 0'],
    ['batchSize: 1.5', 'not 1.5'],
    ['batchSize:', 'batchSize is a whole number of at least 1, not nothing'],
    ['version: 2', 'p.yaml:4:10: version is a text that is not empty, not 2: put it in quotes'],
    ['allowDuplicates: yes', 'allowDuplicates is true or false, not "yes"'],
    ['transform: { type: omit }', 'transform is a list, not an object'],
    ['transform: [omit]', 'p.yaml:4:13: transform[0] is an object with type: '],
    ['transform: [{ fields: [a] }]', 'transform[0] lacks type: '],
    ['transform: [{ type: omit }]', 'transform[0] lacks fields'],
    ['transform: [{ type: omit, fields: [] }]', 'fields is a list of at least 1, not a list that is empty'],
    ['deadLetters: [a]', 'deadLetters is a text or an object, not a list'],
    ['stopAfter: { records: -1 }', 'records is a whole number of at least 1, not -1'],
    ['filter: [1]', 'filter is an object such as'],
    ['filter: { role: user }', 'filter.role is a condition, an object such as { eq: 1 }, not "user"'],
    ['filter: { role: { eq: null } }', 'to ask for null there is isNull'],
    ['filter: { role: { in: user } }', 'filter.role.in is a list of values'],
    ['filter: { role: { like: 1 } }', 'filter.role.like is a text'],
    ['filter: { and: [], role: { eq: 1 } }', '"and" stands alone in its object'],
    ['filter: { or: { eq: 1 } }', 'filter.or is a list of filters'],
  ])('%s', (line, expected) => {
    expect(refusal(`${whole}${line}\n`)).toContain(expected)
  })

  test('all of them at once, in their order', () => {
    expect(refusal('name: copy\nsource: { type: sqlite, filname: a }\nbatchSize: 0\nsnk: 1\n').split('\n')).toEqual([
      expect.stringContaining('p.yaml:1:1: the file lacks sink'),
      expect.stringContaining('p.yaml:2:9: source lacks filename'),
      expect.stringContaining('p.yaml:2:25: source has no "filname"; did you mean "filename"'),
      expect.stringContaining('p.yaml:3:12: batchSize is'),
      expect.stringContaining('p.yaml:4:1: the file has no "snk"; did you mean "sink"?'),
    ])
  })
})

describe('variables', () => {
  const source = (filename: string) => whole.replace('a.db', JSON.stringify(filename))

  test('stand in texts; without quotes for numbers and truth values too', () => {
    const text = `${source('${DIR}/a.db')}batchSize: \${SIZE:-500}\nallowDuplicates: \${YES}\nfilter:\n  a:\n    eq: "\${SIZE:-5}"\n    gt: \${MIN}\nstopAfter: { records: "\${SIZE:-7}" }`
    expect(parts(text, { DIR: '/data', YES: 'true', MIN: '9007199254740993' })).toMatchObject({
      source: { filename: '/data/a.db' },
      batchSize: 500,
      allowDuplicates: true,
      filter: { a: { eq: '5', gt: 9007199254740993n } },
      stopAfter: { records: 7 },
    })
  })

  test('cannot add anything but a text', () => {
    expect(parts(source('${NAME}'), { NAME: 'x.db, table: other }\nbatchSize: 1' }).source?.filename).toBe(
      'x.db, table: other }\nbatchSize: 1',
    )
  })

  test('that are not set are named, with their place', () => {
    expect(refusal(source('${DIR}/a.db'))).toBe(
      'p.yaml:2:36: the variable DIR is not set; set it, or say what stands in for it: ${DIR:-default}',
    )
  })

  test('are never shown, only their names', () => {
    const env = { SECRET: 'hunter2' }
    for (const line of [
      'again: ${SECRET}',
      'batchSize: ${SECRET}',
      'transform: ["${SECRET}"]',
      'state: { type: "${SECRET}" }',
      'verify: ${SECRET}',
    ]) {
      const said = refusal(`${whole}${line}\n`, env)
      expect(said).toContain('what ${SECRET} stands for')
      expect(said).not.toContain('hunter2')
    }
  })

  test('nor are credentials that stand in the file', () => {
    expect(refusal(`${whole}batchSize: postgres://app:hunter2@db/x`)).toContain('"postgres://***@db/x"')
  })
})

describe('files that are none', () => {
  test.each([
    ['empty', '', 'p.yaml is empty'],
    ['a comment', '# later\n', 'p.yaml is empty'],
    ['null', '~\n', 'p.yaml is empty'],
    ['a document of nothing', '---\n', 'p.yaml is empty'],
    ['an alias of nothing', `${whole}version: *none`, 'p.yaml:4:10: there is no anchor &none before this'],
    ['merged texts', `${whole}verify: { <<: [a, b] }`, '<< takes an object, such as *name, or a list of them'],
    ['a list', '- name: copy\n', 'p.yaml:1:1: this is a list. A pipeline is a YAML file with name, source and sink'],
    ['a text', 'copy', 'p.yaml:1:1: this is a single value'],
    ['without anything needed', 'batchSize: 1', 'p.yaml:1:1: the file lacks name, source and sink, or backfills'],
    ['a name alone', 'name: a', 'p.yaml:1:1: the file lacks source and sink'],
    ['a name twice', `${whole}name: again`, 'p.yaml:4:1: this is no YAML: Map keys must be unique'],
    ['broken', 'name: [a, b', 'p.yaml:1:12: this is no YAML: '],
    [
      'a variable without quotes',
      'source: { type: ${TYPE} }',
      'p.yaml:1:18: inside of { } a variable stands in quotes',
    ],
    ['a tab', 'source:\n\ttype: a', 'p.yaml:2:1: this is no YAML: '],
    ['a tag', '!!js/function name: x', 'p.yaml:1:1: this is no YAML: Unresolved tag'],
    ['two documents', `${whole}---\n${whole}`, 'p.yaml:4:1: a second document begins'],
    ['too deep', `name: ${'['.repeat(200)}${']'.repeat(200)}`, 'this is nested too deeply; 64 levels are allowed'],
    ['deeper than the parser can', '['.repeat(100_000), 'this is nested too deeply'],
    ['an alias of itself', 'name: &a [*a]', 'this is nested too deeply'],
    [
      'aliases that multiply',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefg'].map((to, i) => `${to}: &${to} [${Array(9).fill(`*${'abcdef'[i]}`).join()}]`).join('\n')}`,
      'more than 20000 values',
    ],
    ['a name that is a list', '[a]: 1', 'p.yaml:1:1: a name is a text'],
  ])('%s', (_, text, expected) => {
    expect(refusal(text)).toContain(expected)
  })

  test.each([
    [
      'no UTF-8',
      Buffer.from([0x6e, 0x61, 0x6d, 0x65, 0x3a, 0xff]),
      'is no UTF-8: byte 5 belongs to no character. Save it as UTF-8.',
    ],
    ['UTF-16', Buffer.from('\ufeffname: a', 'utf16le'), 'is no UTF-8: it is written in UTF-16'],
    ['too large', Buffer.alloc(1024 * 1024 + 1, 0x23), 'has 1048577 bytes'],
  ])('%s', async (name, bytes, expected) => {
    await expect(readPipelineFile(folder.write(`${name}.yaml`, bytes))).rejects.toMatchObject({
      code: 'SOURCE_INVALID',
      message: expect.stringContaining(expected),
    })
  })

  test('missing, or a folder', async () => {
    await expect(readPipelineFile(folder.file('none.yaml'))).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND' })
    await expect(readPipelineFile(folder.path)).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND' })
  })

  test('a byte order mark in front does not matter', async () => {
    const file = folder.write('bom.yaml', `\ufeff${whole}`)
    await expect(readPipelineFile(file)).resolves.toMatchObject({ parts: { name: 'copy' } })
  })
})
