const types: ReadonlyMap<string, string> = new Map(
  Object.entries({
    HumanMessage: 'human',
    AIMessage: 'ai',
    SystemMessage: 'system',
    ToolMessage: 'tool',
    FunctionMessage: 'function',
    ChatMessage: 'chat',
    RemoveMessage: 'remove',
    HumanMessageChunk: 'HumanMessageChunk',
    AIMessageChunk: 'AIMessageChunk',
    SystemMessageChunk: 'SystemMessageChunk',
    ToolMessageChunk: 'ToolMessageChunk',
    FunctionMessageChunk: 'FunctionMessageChunk',
    ChatMessageChunk: 'ChatMessageChunk',
  }),
)

/** What a message of LangChain says its type is, by the name of its class: JavaScript's messages do not say it themselves. */
export function messageType(module: string, name: string): string | undefined {
  return /^langchain(_core)?\./.test(`${module}.`) && module.includes('messages') ? types.get(name) : undefined
}
