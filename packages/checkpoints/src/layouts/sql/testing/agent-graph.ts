import { AIMessage, HumanMessage, ToolMessage } from '@langchain/core/messages'
import {
  type BaseCheckpointSaver,
  Command,
  END,
  interrupt,
  MessagesAnnotation,
  START,
  StateGraph,
} from '@langchain/langgraph'

/** What the graph says of a thread, for comparing what two stores go on with. */
export interface Told {
  readonly messages: readonly string[]
  readonly next: readonly string[]
}

/**
 * A graph without a model: an agent that calls a tool, and asks a person, in a subgraph, whether it may. It stands still there until it is
 * resumed.
 */
export function agentGraph(checkpointer: BaseCheckpointSaver) {
  const approval = new StateGraph(MessagesAnnotation)
    .addNode('ask', () => {
      const answer: string = interrupt({ question: 'May I look it up?', tags: ['a', 'b'] })
      return { messages: [new ToolMessage({ content: `weather: ${answer}`, tool_call_id: 'call_1', name: 'weather' })] }
    })
    .addEdge(START, 'ask')
    .addEdge('ask', END)
    .compile()
  return new StateGraph(MessagesAnnotation)
    .addNode('agent', ({ messages }) => {
      const last = messages.at(-1)
      if (last instanceof ToolMessage) return { messages: [new AIMessage(`I was told: ${String(last.content)}`)] }
      const calls = [{ id: 'call_1', name: 'weather', args: { city: 'Zürich', days: 3 }, type: 'tool_call' as const }]
      return { messages: [new AIMessage({ content: [{ type: 'text', text: 'Let me see…' }], tool_calls: calls })] }
    })
    .addNode('approval', approval)
    .addEdge(START, 'agent')
    .addConditionalEdges('agent', ({ messages }) => {
      const last = messages.at(-1) as AIMessage
      return (last.tool_calls?.length ?? 0) > 0 ? 'approval' : END
    })
    .addEdge('approval', 'agent')
    .compile({ checkpointer })
}

type Graph = ReturnType<typeof agentGraph>

export async function beginThread(graph: Graph, thread: string, question: string): Promise<void> {
  await graph.invoke({ messages: [new HumanMessage({ content: question, id: `${thread}-1` })] }, configOf(thread))
}

export async function resumeThread(graph: Graph, thread: string, answer: string): Promise<void> {
  await graph.invoke(new Command({ resume: answer }), configOf(thread))
}

export async function told(graph: Graph, thread: string): Promise<Told> {
  const { values, next } = await graph.getState(configOf(thread))
  const messages = values.messages.map((message: { getType(): string; content: unknown }) => {
    return `${message.getType()}: ${JSON.stringify(message.content)}`
  })
  return { messages, next }
}

/** What a saver itself gives of a thread, with those of its subgraphs, without what is only its own. */
export async function tuplesOf(saver: BaseCheckpointSaver, thread: string): Promise<readonly unknown[]> {
  const tuples: unknown[] = []
  for await (const { config, checkpoint, metadata, parentConfig, pendingWrites } of saver.list({
    configurable: { thread_id: thread },
  })) {
    const parent = parentConfig?.configurable?.checkpoint_id
    const { checkpoint_ns, checkpoint_id } = config.configurable ?? {}
    tuples.push({ checkpoint_ns, checkpoint_id, checkpoint, metadata, parent, pendingWrites })
  }
  return tuples.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
}

function keyOf(tuple: unknown): string {
  const { checkpoint_ns, checkpoint_id } = tuple as { checkpoint_ns: string; checkpoint_id: string }
  return `${checkpoint_ns}/${checkpoint_id}`
}

function configOf(thread: string) {
  return { configurable: { thread_id: thread } }
}
