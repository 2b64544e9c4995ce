// One contender of the contests of checkpoints per process, as worker.mjs: what one of them loads burdens no other.

const [task, text] = process.argv.slice(2)
const options = JSON.parse(text)

const tasks = {
  async json({ url, outputDir }) {
    const { checkpointJsonSink, checkpointSource } = await import('@drover/checkpoints')
    const { runPipeline } = await import('@drover/core')
    const source = checkpointSource({ place: { type: 'postgres', connection: url } })
    await runPipeline({ name: 'checkpoints', source, sink: checkpointJsonSink({ outputDir, singleFile: true }) })
  },
}

await tasks[task](options)
