import path from 'node:path'

// As a setup file of tests that go elsewhere: the folder of the file before it, in the same process, may be gone.
process.chdir(path.resolve(import.meta.dirname, '..'))
