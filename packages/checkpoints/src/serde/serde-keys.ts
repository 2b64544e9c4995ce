/** What encrypted values are opened with. */
export interface SerdeKeys {
  /** The key of LangGraph's `EncryptedSerializer` (types that end in `+aes`): 16, 24 or 32 bytes, or a text of as many, as in `LANGGRAPH_AES_KEY`. */
  readonly aes?: string | Uint8Array
}
