import { type QdrantServerOptions, startQdrantServer } from './src/index.js'

// The server as a process: its options as JSON in the first argument, its port as one line on standard output.
const server = await startQdrantServer(JSON.parse(process.argv[2] ?? '{}') as QdrantServerOptions)
process.stdout.write(`${server.port}\n`)
process.stdin.resume().on('end', () => process.exit())
